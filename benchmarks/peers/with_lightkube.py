"""What lightkube does in place of discovery: it lists the CRDs. `with_lightkube.py KUBECONFIG`."""

import sys

from lightkube import Client, KubeConfig
from lightkube.generic_resource import load_in_cluster_generic_resources

load_in_cluster_generic_resources(Client(KubeConfig.from_file(sys.argv[1])))
