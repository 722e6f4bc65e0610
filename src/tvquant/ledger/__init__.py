"""The append-only evidence of a run: written by one process, verified by anyone.

What the chain proves. Every record carries the SHA-256 of its own line, the digest of the record before it in its
chain and its line number in the file; the first record of every cell chain names the genesis record; the seal, the last
record, names the length and head of every chain and the Merkle root of the results. So a byte that was changed, a
line that was moved, dropped or inserted, and a file that became shorter are all found, each at its place.

What it cannot prove. Nothing here is secret: an owner who rewrites the whole file, digests and head included, has
another ledger that verifies. Only a copy of the seal's digest kept where the owner cannot reach it (a mail, a public
commit, a time-stamping service) shows that this is still the ledger of that day. Nor does the chain show that what was
recorded is true.

What it answers for beside itself. Records of the run name the SHA-256 of its files: manifest, health, snapshot, result
tables, page and index. `verify` holds each against the file that is there.
"""

from tvquant.ledger.chain import Ledger
from tvquant.ledger.encoding import decode, encode
from tvquant.ledger.files import Altered, altered, held_by, outputs_of, sha256_of
from tvquant.ledger.genesis import genesis_entry
from tvquant.ledger.read import LedgerRecord, records
from tvquant.ledger.run_folder import RunFolder
from tvquant.ledger.verify import Integrity, Verification, verify

__all__ = [
    "Altered",
    "Integrity",
    "Ledger",
    "LedgerRecord",
    "RunFolder",
    "Verification",
    "altered",
    "decode",
    "encode",
    "genesis_entry",
    "held_by",
    "outputs_of",
    "records",
    "sha256_of",
    "verify",
]
