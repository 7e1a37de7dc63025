"""kr8s's lookup; it has no cache on disk: `with_kr8s.py KUBECONFIG`."""

import sys
import warnings

import kr8s

warnings.simplefilter("ignore")
print(kr8s.api(kubeconfig=sys.argv[1]).lookup_kind("deploy")[1])
