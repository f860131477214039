"""What actions need besides the session and the moment: the key of links and the vault. Built once per process."""

from dataclasses import dataclass

from booking.actions.vault import Vault


@dataclass(frozen=True, slots=True)
class Tools:
    link_key: bytes
    vault: Vault
