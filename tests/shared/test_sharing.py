"""What one machine has asked, the others take from the shared cache."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from .conftest import Machine, RedisServer


def test_a_machine_with_an_empty_disk_asks_nothing_that_another_has_asked(
    machine: Machine, server: DiscoveryServer
) -> None:
    first = machine("a").server_groups_and_resources()
    assert server.request_count == 2
    assert machine("b").server_groups_and_resources() == first
    assert server.request_count == 2


def test_a_group_version_that_was_asked_for_alone_is_shared_too(machine: Machine, server: DiscoveryServer) -> None:
    first = machine("a").server_resources_for_group_version("apps/v1")
    assert machine("b").server_resources_for_group_version("apps/v1") == first
    assert server.request_count == 1
