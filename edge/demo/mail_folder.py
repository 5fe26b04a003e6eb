"""A mailbox for the demo: `python -m aiosmtpd -c edge.demo.mail_folder.MailFolder FOLDER` lays each mail there."""

import argparse
from pathlib import Path
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailFolder:
    """Accepts every mail, and keeps it as `NUMBER-RECIPIENT.eml`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def from_cli(cls, parser: argparse.ArgumentParser, *args: str) -> Self:
        """As aiosmtpd makes its handlers."""
        if len(args) != 1:
            parser.error("MailFolder takes one folder")
        return cls(Path(args[0]))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the mail; a name of its own first, so that nobody reads half of one."""
        assert isinstance(envelope.original_content, bytes)
        to = "".join(c if c.isalnum() or c in "@.-_" else "_" for c in "+".join(envelope.rcpt_tos))[:80]
        path = self._folder / f"{len(mails_in(self._folder)) + 1:04}-{to}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(envelope.original_content)
        unfinished.rename(path)
        return "250 OK"


def mails_in(folder: Path) -> list[Path]:
    """The mails that lie in a folder, oldest first."""
    return sorted(folder.glob("*.eml"))
