"""What nobody ordered, as a book writes it down; compiled parts of the kernel."""

from tvquant.simulation.account import CASH, EQUITY, LIQUIDATED, NOTED, RETURNS, Book
from tvquant.simulation.compiling import part


@part
def note(book: Book, t: int, column: int, kind: float, value: float, price: float) -> None:
    """Add one event."""
    event = book.events[book.tally[NOTED]]
    event[0], event[1], event[2], event[3], event[4] = t, column, kind, value, price
    book.tally[NOTED] += 1


@part
def liquidate(book: Book, t: int, out: int, equity: float, before: float) -> bool:
    """End the book: nothing is held or earned from this row on; return false, as in "not alive"."""
    note(book, t, book.quantities.shape[1], LIQUIDATED, equity / before, 0.0)
    for i in range(out, len(book.quantities)):
        book.rows[RETURNS, i] = -1.0 if i == out else 0.0
        book.rows[EQUITY, i], book.rows[CASH, i] = 0.0, 0.0
        for j in range(book.quantities.shape[1]):
            book.quantities[i, j] = 0.0
    return False
