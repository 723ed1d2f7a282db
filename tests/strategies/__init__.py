"""Hypothesis strategies for whole Host Configurations and the Host Statuses that fit them.

What they build is valid: the judge accepts every one, though it may have warnings. A test that wants a
mistake makes one on top (``mistakes``). Start with these:

- ``configurations()``: frozen models; ``documents()``: the same as plain data in the API's spelling;
  ``texts()``: the same as YAML.
- ``changes()``: a configuration that a host runs and one that it could be updated to, on the same storage.
- ``statuses(configuration)``: every status that a host with this configuration can be in.

A drawn configuration shrinks towards the smallest there is: one disk with an ESP, a root and a datastore.
"""

from tests.strategies.changes import changes
from tests.strategies.configuration import configurations, documents, texts
from tests.strategies.status import statuses

__all__ = ["changes", "configurations", "documents", "statuses", "texts"]
