"""What several terms share is taken once for all of them."""

import numpy as np

from tvquant.features.terms.contract import Settings, Term, evaluate

SETTINGS = Settings(rating_min_bars=1)


def test_a_measure_is_taken_once_for_all_terms_and_not_at_all_for_none(market):
    panel = market({"A": [1.0, 2.0], "B": [3.0, 4.0]})
    taken = []

    def last(view, settings, rows):
        taken.append((settings, rows))
        return view.fields["close"][-rows:]

    def first(view, _settings, _rows):
        taken.append("first")
        return view.fields["close"][0]

    def term(name, compute, *measures):
        return Term(name=name, meaning="A test.", unit="1", needs=(), compute=compute, measures=measures)

    plain = term("plain", lambda view, _, rows: np.zeros((rows, len(view.instruments))))
    double = term("double", lambda _view, _settings, _rows, price: 2.0 * price, last)
    change = term("change", lambda _view, _settings, _rows, now, then: now - then, last, first)
    assert [values.tolist() for values in evaluate([plain], panel, SETTINGS)] == [[[0.0, 0.0]]]
    assert taken == []
    found = evaluate([double, plain, change], panel, SETTINGS)
    assert [values.tolist() for values in found] == [[[4.0, 8.0]], [[0.0, 0.0]], [[1.0, 1.0]]]
    assert taken == [(SETTINGS, 1), "first"]
