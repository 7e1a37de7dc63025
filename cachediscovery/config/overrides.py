"""`ConfigOverrides`: the flags that override the configuration. client-go's `clientcmd.ConfigOverrides`."""

from __future__ import annotations

import os

from ..model.records import NamedTuple
from . import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from typing_extensions import Self, TypedDict

    from .arguments import PathArgument

    class OverrideKeywords(TypedDict, total=False):
        """The fields of `ConfigOverrides` as keywords."""

        kubeconfig: PathArgument | None
        context: str | None
        cluster: str | None
        user: str | None
        server: str | None
        tls_server_name: str | None
        certificate_authority: PathArgument | None
        insecure_skip_tls_verify: bool | None
        client_certificate: PathArgument | None
        client_key: PathArgument | None
        token: str | None
        as_user: str | None
        as_uid: str | None
        as_groups: Collection[str] | None
        disable_compression: bool | None


class _Overrides(NamedTuple):
    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    server: str = ""
    tls_server_name: str = ""
    certificate_authority: str = ""
    insecure_skip_tls_verify: bool = False
    client_certificate: str = ""
    client_key: str = ""
    token: str = ""
    as_user: str = ""
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()
    disable_compression: bool = False


_PATHS = ("kubeconfig", "certificate_authority", "client_certificate", "client_key")


class ConfigOverrides(_Overrides):
    """The values of flags; an empty one, or None, leaves the kubeconfig's. The fields are named like kubectl's flags.

    A path may be any `os.PathLike`, and begin with `~`. Raises `TypeError` for a wrong type or an unknown keyword.
    """

    __slots__ = ()

    def __new__(
        cls,
        kubeconfig: PathArgument | None = None,
        context: str | None = None,
        cluster: str | None = None,
        user: str | None = None,
        server: str | None = None,
        tls_server_name: str | None = None,
        certificate_authority: PathArgument | None = None,
        insecure_skip_tls_verify: bool | None = None,
        client_certificate: PathArgument | None = None,
        client_key: PathArgument | None = None,
        token: str | None = None,
        as_user: str | None = None,
        as_uid: str | None = None,
        as_groups: Collection[str] | None = None,
        disable_compression: bool | None = None,
    ) -> Self:
        """Check and convert every value that is not None."""
        given = locals()
        values = {name: given[name] for name in cls._fields if given[name] is not None}
        return super().__new__(cls, **{name: _checked(name, value) for name, value in values.items()})

    @classmethod
    def merged(
        cls, overrides: ConfigOverrides | PathArgument | None, keywords: OverrideKeywords | dict[str, Any]
    ) -> ConfigOverrides:
        """The overrides that a function was given: an object or the path of a kubeconfig, and fields as keywords."""
        arguments.split(keywords, cls)
        if isinstance(overrides, (str, os.PathLike)):
            if keywords.get("kubeconfig") is not None:
                raise TypeError("kubeconfig is given twice: as the first argument and as a keyword")
            return cls(overrides, **keywords)
        if overrides is None:
            return cls(**keywords)
        arguments.instance("overrides", overrides, cls, "or the path of a kubeconfig")
        return overrides._replace(**keywords)

    def _replace(self, **keywords: Any) -> Self:
        return type(self)(**{**self._asdict(), **keywords})

    def __repr__(self) -> str:
        return f"ConfigOverrides(kubeconfig={self.kubeconfig!r}, context={self.context!r})"


def _checked(name: str, value: object) -> Any:
    if name in _PATHS:
        return arguments.path(name, value)
    if name == "as_groups":
        return arguments.texts(name, value)
    if isinstance(getattr(_Overrides(), name), bool):
        return arguments.flag(name, value)
    return arguments.text(name, value)
