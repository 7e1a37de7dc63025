from __future__ import annotations

import pytest

from cachediscovery.cli.flags import ARRAY, BOOL, LEVEL, SLICE, TEXT, Flag, Parsed, UsageError, parse

FLAGS = (
    Flag("cached", BOOL, "", "c"),
    Flag("output", TEXT, "", "o"),
    Flag("verbs", SLICE, ""),
    Flag("as-group", ARRAY, ""),
    Flag("verbose", LEVEL, "", "v"),
)


def of(*argv: str) -> Parsed:
    return parse(argv, FLAGS)


@pytest.mark.parametrize(
    "argv", [["-o", "wide"], ["-owide"], ["-o=wide"], ["--output", "wide"], ["--output=wide"], ["-cowide"]]
)
def test_a_flag_value_is_accepted_in_every_pflag_form(argv: list[str]) -> None:
    assert of(*argv).text("output") == "wide"


def test_a_boolean_flag_is_true_without_a_value_and_accepts_false() -> None:
    assert of("--cached").flag("cached")
    assert of("-c").flag("cached")
    assert not of("--cached=false").flag("cached")
    assert of("--cached=false").given("cached")
    assert not of().given("cached")
    # A separate word is never the value of a boolean flag.
    assert of("--cached", "false").arguments == ["false"]


def test_list_flags_repeat_and_slices_split_at_commas() -> None:
    assert of("--verbs=get,list", "--verbs", "watch").texts("verbs") == ("get", "list", "watch")
    assert of("--verbs=").texts("verbs") == ()
    assert of("--as-group=a,b", "--as-group", "c").texts("as-group") == ("a,b", "c")


def test_verbose_accepts_an_optional_number() -> None:
    for argv in (["-v"], ["-v1"], ["-v=1"], ["-v", "1"], ["--verbose"], ["-v", "--cached"]):
        assert of(*argv).text("verbose") == "1"
    assert of("-v", "x").arguments == ["x"]


def test_flags_and_arguments_mix_until_a_double_dash() -> None:
    parsed = of("a", "-o", "json", "b", "-", "--", "-c", "c")
    assert parsed.arguments == ["a", "b", "-", "-c", "c"]
    assert not parsed.given("cached")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["--output"], "flag needs an argument: --output"),
        (["-o"], "flag needs an argument: 'o' in -o"),
        (["--cached=maybe"], 'invalid argument "maybe" for "--cached"'),
        (["-v=x"], 'invalid argument "x" for "--verbose"'),
    ],
)
def test_a_usage_error_names_the_flag(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        of(*argv)
    assert message in str(caught.value)
