"""The output of help() on the package."""

from __future__ import annotations

import subprocess
import sys

SHOW = """
import pkgutil, pydoc, importlib, importlib.util, cachediscovery
for module in pkgutil.walk_packages(cachediscovery.__path__, "cachediscovery."):
    # The oldest supported kubernetes has no kubernetes.aio, and kopf is in an environment of its own.
    needed = {"kubernetes_aio": "kubernetes.aio", "kopf": "kopf"}.get(module.name.rpartition(".")[2])
    is_missing = needed is not None and not importlib.util.find_spec(needed)
    if not module.name.endswith("__main__") and not is_missing:
        print(pydoc.plain(pydoc.render_doc(importlib.import_module(module.name))))
for function in (cachediscovery.load_config, cachediscovery.open_store, cachediscovery.in_cluster_config):
    print(pydoc.plain(pydoc.render_doc(function)))
"""


def test_help_shows_no_environment_variable(environ: dict[str, str]) -> None:
    environ["SOME_TOKEN"] = "secret-of-the-environment"
    ran = subprocess.run([sys.executable, "-c", SHOW], env=environ, capture_output=True, text=True, check=True)
    assert "in_cluster_config(" in ran.stdout
    assert "secret-of-the-environment" not in ran.stdout
