"""Test helpers: a discovery API server on a loopback port, and a discovery client that needs no server."""

from __future__ import annotations

from .failure import Failure as Failure
from .fake import Call as Call
from .fake import FakeDiscoveryClient as FakeDiscoveryClient
from .http_server import ServedRequest as ServedRequest
from .openapi import RecordedOpenAPI as RecordedOpenAPI
from .recording import Recording as Recording
from .recording import load_recording as load_recording
from .server import DiscoveryServer as DiscoveryServer
