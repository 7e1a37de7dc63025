"""CustomResourceDefinitions modelled on well-known operators, for the real API server."""

from __future__ import annotations

from typing import Any, NamedTuple


class CRD(NamedTuple):
    """One custom resource. The first version is the storage version; the server chooses the preferred one."""

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    singular: str = ""
    subresources: tuple[str, ...] = ("status",)

    @property
    def name(self) -> str:
        return f"{self.plural}.{self.group}"

    def manifest(self) -> dict[str, Any]:
        """The object to create."""
        subresources: dict[str, Any] = {"status": {}} if "status" in self.subresources else {}
        if "scale" in self.subresources:
            subresources["scale"] = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name},
            "spec": {
                "group": self.group,
                "scope": "Namespaced" if self.namespaced else "Cluster",
                "names": {
                    "plural": self.plural,
                    "singular": self.singular or self.kind.lower(),
                    "kind": self.kind,
                    "shortNames": list(self.short_names),
                    "categories": list(self.categories),
                },
                "versions": [
                    {
                        "name": version,
                        "served": True,
                        "storage": index == 0,
                        "schema": schema,
                        "subresources": subresources,
                    }
                    for index, version in enumerate(self.versions)
                ],
            },
        }


def _cert_manager() -> list[CRD]:
    group, everything = "cert-manager.io", ("cert-manager",)
    return [
        CRD(group, ("v1",), "certificates", "Certificate", ("cert", "certs"), everything),
        CRD(group, ("v1",), "certificaterequests", "CertificateRequest", ("cr", "crs"), everything),
        CRD(group, ("v1",), "issuers", "Issuer", ("iss",), everything),
        CRD(group, ("v1",), "clusterissuers", "ClusterIssuer", ("ciss",), everything, namespaced=False),
        CRD(f"acme.{group}", ("v1",), "orders", "Order", (), (*everything, "cert-manager-acme")),
        CRD(f"acme.{group}", ("v1",), "challenges", "Challenge", (), (*everything, "cert-manager-acme")),
    ]


def _rook() -> list[CRD]:
    group = "ceph.rook.io"
    named = {
        "cephblockpools": ("CephBlockPool", ("cephbp",)),
        "cephblockpoolradosnamespaces": ("CephBlockPoolRadosNamespace", ("cephbprns", "cephrns")),
        "cephbucketnotifications": ("CephBucketNotification", ("cephbn",)),
        "cephbuckettopics": ("CephBucketTopic", ("cephbt",)),
        "cephclients": ("CephClient", ("cephcl",)),
        "cephclusters": ("CephCluster", ("ceph",)),
        "cephcosidrivers": ("CephCOSIDriver", ("cephcosi",)),
        "cephfilesystemmirrors": ("CephFilesystemMirror", ("cephfsm",)),
        "cephfilesystems": ("CephFilesystem", ("cephfs",)),
        "cephfilesystemsubvolumegroups": ("CephFilesystemSubVolumeGroup", ("cephfssvg", "cephsvg")),
        "cephnfses": ("CephNFS", ("nfs", "cephnfs")),
        "cephobjectrealms": ("CephObjectRealm", ("cephor",)),
        "cephobjectstores": ("CephObjectStore", ("cephos",)),
        "cephobjectstoreusers": ("CephObjectStoreUser", ("rcou", "objectuser", "cephosu")),
        "cephobjectzonegroups": ("CephObjectZoneGroup", ("cephozg",)),
        "cephobjectzones": ("CephObjectZone", ("cephoz",)),
        "cephrbdmirrors": ("CephRBDMirror", ("cephrbdm",)),
    }
    crds = [CRD(group, ("v1",), plural, kind, short) for plural, (kind, short) in named.items()]
    return [
        *crds,
        CRD("objectbucket.io", ("v1alpha1",), "objectbuckets", "ObjectBucket", ("ob", "obs"), namespaced=False),
        CRD("objectbucket.io", ("v1alpha1",), "objectbucketclaims", "ObjectBucketClaim", ("obc", "obcs")),
    ]


def _kubevirt() -> list[CRD]:
    group, everything = "kubevirt.io", ("all",)
    both, snapshots = ("v1", "v1alpha3"), ("v1beta1", "v1alpha1")
    return [
        CRD(group, both, "virtualmachines", "VirtualMachine", ("vm", "vms"), everything),
        CRD(group, both, "virtualmachineinstances", "VirtualMachineInstance", ("vmi", "vmis"), everything),
        CRD(group, both, "virtualmachineinstancemigrations", "VirtualMachineInstanceMigration", ("vmim", "vmims"), everything),
        CRD(group, both, "virtualmachineinstancepresets", "VirtualMachineInstancePreset", ("vmipreset", "vmipresets"), everything, subresources=()),
        CRD(group, both, "virtualmachineinstancereplicasets", "VirtualMachineInstanceReplicaSet", ("vmirs", "vmirss"), everything, subresources=("status", "scale")),
        CRD(group, both, "kubevirts", "KubeVirt", ("kv", "kvs"), everything),
        CRD(f"pool.{group}", ("v1beta1", "v1alpha1"), "virtualmachinepools", "VirtualMachinePool", ("vmpool", "vmpools"), everything, subresources=("status", "scale")),
        CRD(f"snapshot.{group}", snapshots, "virtualmachinesnapshots", "VirtualMachineSnapshot", ("vmsnapshot", "vmsnapshots"), everything),
        CRD(f"snapshot.{group}", snapshots, "virtualmachinesnapshotcontents", "VirtualMachineSnapshotContent", ("vmsnapshotcontent", "vmsnapshotcontents"), everything),
        CRD(f"snapshot.{group}", snapshots, "virtualmachinerestores", "VirtualMachineRestore", ("vmrestore", "vmrestores"), everything),
        CRD(f"instancetype.{group}", ("v1beta1",), "virtualmachineinstancetypes", "VirtualMachineInstancetype", ("vminstancetype", "vmf", "vmfs"), everything, subresources=()),
        CRD(f"instancetype.{group}", ("v1beta1",), "virtualmachineclusterinstancetypes", "VirtualMachineClusterInstancetype", ("vmcf", "vmcfs"), (), namespaced=False, subresources=()),
        CRD(f"instancetype.{group}", ("v1beta1",), "virtualmachinepreferences", "VirtualMachinePreference", ("vmpref", "vmp", "vmps"), everything, subresources=()),
        CRD(f"clone.{group}", ("v1beta1",), "virtualmachineclones", "VirtualMachineClone", ("vmclone", "vmclones"), everything),
        CRD(f"export.{group}", ("v1beta1", "v1alpha1"), "virtualmachineexports", "VirtualMachineExport", ("vmexport", "vmexports"), everything),
        CRD(f"migrations.{group}", ("v1alpha1",), "migrationpolicies", "MigrationPolicy", (), everything, namespaced=False),
        CRD(f"cdi.{group}", ("v1beta1",), "datavolumes", "DataVolume", ("dv", "dvs"), everything),
        CRD(f"cdi.{group}", ("v1beta1",), "cdis", "CDI", ("cdi",), (), namespaced=False, singular="cdi"),
        CRD(f"cdi.{group}", ("v1beta1",), "storageprofiles", "StorageProfile", (), (), namespaced=False),
    ]  # fmt: skip


OPERATORS = [*_cert_manager(), *_rook(), *_kubevirt()]


def api_service(name: str, namespace: str, port: int = 443) -> dict[str, Any]:
    """The registration of `metrics.k8s.io/v1beta1`, served by the extension server behind a service."""
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": name, "namespace": namespace, "port": port},
        },
    }
