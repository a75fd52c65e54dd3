"""Campaigns over HTTP with JSON: one made, and what became of it. The page /docs says the rest.

The functions are plain ones, not `async`: `campaigns.submit` waits for the database, and FastAPI runs such functions in
its threads, where they hold up nobody else.
"""

import logging
import os
import secrets
from dataclasses import asdict
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

import campaigns
from worker.ringing import ring

log = logging.getLogger("uvicorn.error")
TOKEN = os.environ["API_TOKEN"]


class NewCampaign(BaseModel, extra="forbid"):
    """One text for some people."""

    name: str = Field(description="what people call it", examples=["Rappel"])
    template: str = Field(description="the text", examples=["Bonjour {{ nom }}, rendez-vous le {{ date }}."])
    sender: str | None = Field(default=None, description="the account's own by default", examples=["CLINIQUE"])
    recipients: list[dict[str, str]] = Field(
        description="each with `tel`, and the fields of the template",
        examples=[[{"tel": "+225 07 08 09 10 11", "nom": "Awa", "date": "lundi"}]],
        min_length=1,
        max_length=10_000,
    )


class Made(BaseModel):
    """A campaign; `created` is false where the same key had the same content before."""

    id: int
    state: str
    created: bool


class Account(BaseModel):
    """What became of a campaign so far."""

    id: int
    name: str
    state: str
    reason: str | None
    waits_for: str | None
    recipients: int
    excluded: dict[str, int] = Field(description="who got no message, by reason")
    by_status: dict[str, int] = Field(description="messages by status", examples=[{"in_flight": 2, "delivered": 8}])
    finished: bool


class Faults(BaseModel):
    """Why it is refused: everything at once."""

    faults: list[str]


def known(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> None:
    """Lets whoever has the token in: a campaign costs money."""
    if not secrets.compare_digest(credentials.credentials.encode(), TOKEN.encode()):
        raise HTTPException(401, "not the token")


app = FastAPI(title="Campaigns", version="1", dependencies=[Depends(known)])


def refused(status: int, faults: list[str]) -> JSONResponse:
    return JSONResponse(Faults(faults=faults).model_dump(), status)


@app.post(
    "/campaigns",
    status_code=201,
    responses={
        200: {"model": Made, "description": "it was there already"},
        400: {"model": Faults, "description": "it cannot be"},
        409: {"model": Faults, "description": "the key has other content"},
        422: {"model": Faults, "description": "the request is not what it should be"},
        503: {"model": Faults, "description": "ask again, with the same key"},
    },
)
def submit(
    new: NewCampaign,
    response: Response,
    idempotency_key: Annotated[str, Header(min_length=1, max_length=200, description="yours, of this campaign alone")],
) -> Made:
    """Make a campaign. Asked again with the same key and content, this answers with the first one."""
    asked = {**new.model_dump(exclude={"recipients"}), "key": idempotency_key}
    made = campaigns.submit(asked, new.recipients, ring=ring)
    response.status_code = 201 if made.created else 200
    return Made.model_validate(asdict(made))


@app.get("/campaigns/{campaign_id}", responses={404: {"model": Faults, "description": "there is none"}})
def show(campaign_id: int) -> Account:
    """What became of a campaign so far."""
    return Account.model_validate(campaigns.progress(campaign_id), from_attributes=True)


@app.exception_handler(campaigns.SpecError)
def _spec(_: Request, error: campaigns.SpecError) -> JSONResponse:
    return refused(409 if isinstance(error, campaigns.KeyConflict) else 400, error.faults)


@app.exception_handler(campaigns.AudienceError)
def _audience(_: Request, error: campaigns.AudienceError) -> JSONResponse:
    return refused(400, [f"recipients: {error}"])


@app.exception_handler(campaigns.UnknownCampaignError)
def _unknown(_: Request, error: campaigns.UnknownCampaignError) -> JSONResponse:
    return refused(404, [str(error)])


@app.exception_handler(campaigns.KeyBusy)
@app.exception_handler(campaigns.DatabaseAway)
def _later(_: Request, error: Exception) -> JSONResponse:
    log.warning("to be asked again: %s", type(error).__name__)
    answer = refused(503, ["it cannot be told now: ask again in some seconds, with the same key"])
    answer.headers["Retry-After"] = "5"
    return answer


@app.exception_handler(RequestValidationError)
def _request(_: Request, error: RequestValidationError) -> JSONResponse:
    # Without the input, which FastAPI's own answer repeats: numbers get into logs by such ways.
    return refused(422, [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()])
