from tvquant.core.stamps import NONE, Stamp


def test_every_stamp_has_its_own_meaning() -> None:
    meanings = {stamp.meaning for stamp in Stamp}
    assert len(meanings) == len(Stamp)
    assert all(meaning.endswith(".") and "\n" not in meaning for meaning in meanings)


def test_names_are_those_that_are_stored() -> None:
    assert all(stamp == stamp.name.lower() for stamp in Stamp)
    assert {Stamp("current_only"), Stamp("price_return")} | NONE == {Stamp.CURRENT_ONLY, Stamp.PRICE_RETURN}
