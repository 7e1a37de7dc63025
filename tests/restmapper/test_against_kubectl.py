"""Hundreds of names resolve as they do in kubectl, on the real API server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    ConfigOverrides,
    DeferredDiscoveryRESTMapper,
    NoMatchError,
    load_config,
)

from ..apiserver.harness import APIServer
from ..conftest import BIN, run
from ..crds import CRD, OPERATORS

pytestmark = [pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")]

CLASHES = [
    CRD("clash.test", ("v2", "v1"), "deployments", "Deployment", ("deploy", "cm"), ("all",)),
    CRD("apps.clash.test", ("v1",), "statefulsets", "StatefulSet", ("sts",)),
    CRD("clash.test", ("v1",), "pods", "Pod", ("po",)),
    CRD("clash.test", ("v1beta1",), "oddities", "Oddity", ("odd", "certs"), singular="odd-one"),
]
BUILT_IN = """
pods pod po Pod PODS Po services svc service configmaps cm secrets secret nodes no node namespaces ns
serviceaccounts sa events ev event Event endpoints ep persistentvolumes pv persistentvolumeclaims pvc limitranges
limits resourcequotas quota replicationcontrollers rc podtemplates deployments deployment deploy Deployment
DEPLOYMENT deploymenTs statefulsets sts daemonsets ds replicasets rs controllerrevisions cronjobs cj jobs job
horizontalpodautoscalers hpa ingresses ing ingress networkpolicies netpol ingressclasses storageclasses sc
storageclass csinodes csidrivers volumeattachments roles rolebindings clusterroles clusterrolebindings
priorityclasses pc leases lease customresourcedefinitions crd crds apiservices validatingwebhookconfigurations
mutatingwebhookconfigurations flowschemas poddisruptionbudgets pdb runtimeclasses certificatesigningrequests csr
endpointslices deviceclasses resourceclaims ipaddresses ip servicecidrs
""".split()
QUALIFIED = """
deployments.apps deploy.apps deployments.app deployments.a deployment.v1.apps deployments.v1.apps Deployment.apps
Deployment.v1.apps deployments.clash.test deployments.clash deploy.clash.test deploy.clash deployments.v1.clash.test
deployments.v2.clash.test deploy.v1.clash.test Deployment.clash.test Deployment.v1.clash.test statefulsets.apps
statefulsets.apps.clash sts.apps sts.apps.clash.test pods.clash.test pods.v1 pods.v1. pod.clash po.clash.test
events.events.k8s.io events.events ev.events.k8s.io events.v1.events.k8s.io events.v1 event.v1.
storageclasses.storage storageclass.storage.k8s.io hpa.autoscaling hpa.v1.autoscaling
horizontalpodautoscalers.v1.autoscaling horizontalpodautoscalers.v2.autoscaling jobs.batch jobs.v1.batch
ingresses.networking ingresses.networking.k8s.io roles.rbac roles.rbac.authorization.k8s.io csr.certificates
clusterroles.v1.rbac.authorization.k8s.io oddities odd odd-one Oddity oddity Oddity.clash.test oddity.clash.test
oddity.v1beta1.clash.test certs certificates certificate Certificate certificates.cert-manager
certificates.cert-manager.io certificate.v1.cert-manager.io cert.cert-manager orders.acme vm vms VirtualMachine
virtualmachines.kubevirt virtualmachines.v1alpha3.kubevirt.io vm.v1alpha3.kubevirt.io vmsnapshots
virtualmachinesnapshots.v1alpha1.snapshot.kubevirt.io virtualmachinesnapshots.snapshot cdi cdis CDI nfs cephnfs
""".split()
UNKNOWN = """
nothing PO DEPLOY pods.nope pods.v2 deployments.v9.apps deployments.v1.nope deploy.nope .apps pods. a.b.c.d.e
Deployment.v9.apps Nothing.apps deployments..apps vmx certificates.v9.cert-manager.io configmap.s
""".split()


@pytest.fixture(scope="module")
def clashing(apiserver: APIServer) -> Iterator[APIServer]:
    installed = [crd for crd in OPERATORS if not apiserver.lists(crd.group, crd.versions[-1], crd.plural)]
    apiserver.install([*installed, *CLASHES])
    yield apiserver
    apiserver.uninstall([*installed, *CLASHES])


def names() -> list[str]:
    of_crds = [name for crd in OPERATORS for name in (crd.plural, crd.kind, *crd.short_names[:1])]
    return list(dict.fromkeys([*BUILT_IN, *QUALIFIED, *UNKNOWN, *of_crds]))


def test_every_name_resolves_as_in_kubectl(clashing: APIServer, environ: dict[str, str]) -> None:
    every = names()
    assert len(every) >= 200
    config = load_config(ConfigOverrides(str(clashing.kubeconfig)))
    client = CachedDiscoveryClient.for_config(config, cache_dir=f"{environ['HOME']}/.kube/cache")
    mapper = DeferredDiscoveryRESTMapper(client)

    def ours(name: str) -> str:
        try:
            return mapper.mapping_for(name).path("default")
        except NoMatchError:
            return "no such type"

    def kubectls(name: str) -> str:
        command = [BIN / "kubectl", "--kubeconfig", clashing.kubeconfig, "get", name, "-o", "name", "-v=8"]
        ran = run(command, environ)
        if "the server doesn't have a resource type" in ran.err:
            return "no such type"
        # Discovery requests only /api and /apis; the last request is for the resource.
        asked = re.findall(rf'url="{re.escape(clashing.url)}(/apis?/[^"?]+)', ran.err)
        assert asked, ran.err
        return str(asked[-1])

    mine = {name: ours(name) for name in every}
    with ThreadPoolExecutor(3) as pool:
        theirs = dict(zip(every, pool.map(kubectls, every), strict=True))
    assert mine == theirs
    assert sum(path == "no such type" for path in mine.values()) >= len(UNKNOWN) - 3
