from tvquant.profiles.wording import LONGEST, closest, shown, suggested, unknown


def test_found_values_are_one_line_and_short() -> None:
    assert shown(None) == "nothing (null)"
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 500)) == LONGEST
    assert shown("x" * 500).endswith("...")


def test_closest_name_or_none() -> None:
    assert closest("Custm", ["custom", "skfolio"]) == "custom"
    assert closest("zzz", ["custom"]) is None
    assert closest(3, ["custom"]) is None
    assert (suggested("custom"), suggested(None)) == (" - did you mean custom?", "")


def test_unknown_names_list_what_is_known() -> None:
    assert unknown("engine", "x", ["b", "a"]) == "unknown engine 'x' (known: a, b)"
    assert unknown("engine", "x", []) == "unknown engine 'x' (known: none)"
