"""The naive way, as people write it first: a row a recipient by ORM, one task a recipient, one POST each.

It is honest, and not sabotaged: the rows are added in one commit, a message is found by an index, and reports are read
as a whole. What it lacks is what the product is for: a killed worker loses or repeats messages, a poll that fails loses
reports, and nobody adds anything up.
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import requests
from celery import Celery
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

BROKER_URL, DATABASE_URL, GATEWAY_URL = (os.environ[f"NAIVE_{name}_URL"] for name in ("BROKER", "DATABASE", "GATEWAY"))
LOGIN = PASSWORD = "naive"
SENDER = "DEMO"
ACCOUNT = f"<compte><login>{LOGIN}</login><password>{PASSWORD}</password></compte>"

app = Celery("naive", broker=BROKER_URL)
app.conf.task_ignore_result = True
app.conf.beat_schedule = {"poll": {"task": "tests.benchmarks.naive.poll_reports", "schedule": 1.0}}
engine = create_engine(DATABASE_URL)


class Base(DeclarativeBase):
    """The naive way's tables."""


class Message(Base):
    """One SMS to one recipient."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(index=True)
    text: Mapped[str]
    msgfid: Mapped[str | None]
    smsfid: Mapped[str | None]
    credits: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    status: Mapped[int | None] = mapped_column(index=True)


def submit(rows: Iterable[dict[str, str]]) -> None:
    """Store a message for each recipient, then queue it."""
    with Session(engine) as session:
        messages = [
            Message(
                number=row["numero"].removeprefix("+"),
                text=f"Bonjour {row['nom']}, votre solde est de {row['solde']} F CFA. Merci de votre confiance.",
            )
            for row in rows
        ]
        session.add_all(messages)
        session.commit()
        for message_id in session.scalars(select(Message.id)):
            send.delay(message_id)


@app.task
def send(message_id: int) -> None:
    """Send one message."""
    with Session(engine) as session:
        message = session.get_one(Message, message_id)
        reply = post(
            "sendsms",
            f"<message><msgid>{message.id}</msgid><expediteur>{SENDER}</expediteur>"
            f"<msg>{escape(message.text)}</msg></message>"
            f"<destinataires><numero>{message.number}</numero></destinataires>",
        )
        message.msgfid = reply.findtext("msgfid")
        message.smsfid = reply.findtext("messages/sms/smsfid")
        message.credits = int(reply.findtext("credits") or 0)
        message.sent_at = datetime.now(UTC)
        session.commit()


@app.task
def poll_reports() -> None:
    """Read the delivery reports, and note each at its message."""
    reply = post("getdlrs", "")
    with Session(engine) as session:
        for report in reply.iter("dlr"):
            message = session.scalars(
                select(Message).where(Message.number == report.findtext("destination"))
            ).one_or_none()
            if message is not None:
                message.status = int(report.findtext("statut") or 0)
        session.commit()


def post(operation: str, body: str) -> ElementTree.Element:
    """One request to the gateway."""
    response = requests.post(
        f"{GATEWAY_URL}/api/xml/{operation}/", data={"XML": f"<SMS>{ACCOUNT}{body}</SMS>"}, timeout=30
    )
    response.raise_for_status()
    return ElementTree.fromstring(response.content)


def unsettled() -> int:
    """Messages without a status."""
    with Session(engine) as session:
        return session.scalar(select(func.count()).where(Message.status.is_(None))) or 0
