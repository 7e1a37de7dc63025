"""An operator that says what it sees, for `kopf run`. MODE is own, ours, trusting or compared."""

from __future__ import annotations

import os
from typing import Any

import kopf
from kopf._cogs.clients import scanning

import cachediscovery.integrations.kopf

OWN = scanning.scan_resources
if os.environ["MODE"] != "own":
    cachediscovery.integrations.kopf.install(ask_at_start=os.environ["MODE"] != "trusting")
found: dict[str, Any] = {}


@kopf.on.startup()
def keep(settings: Any, **_: Any) -> None:
    found["settings"] = settings


@kopf.on.event("robots")
@kopf.on.event("late.kopf.test", "things")
async def seen(name: str, body: Any, logger: Any, **_: Any) -> None:
    if os.environ["MODE"] == "compared":
        for groups in (None, {"", "apps"}, {"kopf.test"}, {"none.test"}):
            asked = {"settings": found["settings"], "logger": logger, "groups": groups}
            ours, theirs = set(await scanning.scan_resources(**asked)), set(await OWN(**asked))
            print("same" if ours == theirs else "different", len(theirs), *map(repr, ours ^ theirs), flush=True)
    print("seen", body["kind"], name, flush=True)
