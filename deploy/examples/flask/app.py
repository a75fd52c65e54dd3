"""A form that takes a list of people, shows what they would get and what it costs, and has it sent at a second click.

The list is stored between the two clicks, and only its id is in the session, which is signed: so what is sent is what
was shown. Put all of it behind your own login.
"""

import os
import secrets

from flask import Flask, Response, abort, redirect, render_template, request, session, url_for

import campaigns
from worker.ringing import ring

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["FLASK_SECRET_KEY"],
    # The browser sends the cookie along with what our own pages post, and with nothing that another site does.
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_HTTPONLY=True,
    MAX_CONTENT_LENGTH=64 * 1024**2,
)


@app.get("/")
def form() -> str:
    """A text, and a list of people."""
    return render_template("form.html", faults=[])


@app.post("/preview")
def preview() -> str:
    """What would be sent; nothing is yet."""
    # A campaign's key is made here, before the click that may come twice.
    asked = {"name": request.form["name"], "template": request.form["template"], "key": secrets.token_urlsafe(16)}
    stored = campaigns.store_audience(request.files["audience"].stream)
    seen = campaigns.preview(asked, stored)
    session["asked"], session["audience"] = asked, stored.id
    return render_template("preview.html", asked=asked, seen=seen)


@app.post("/campaigns")
def submit() -> Response:
    """Have sent what was shown; pressed twice it is one campaign."""
    asked = session.get("asked")
    if asked is None or request.form.get("key") != asked["key"]:
        abort(400, "Another list was looked at since: look at this one again.")
    made = campaigns.submit(asked, campaigns.StoredAudience(session["audience"]), ring=ring)
    return redirect(url_for("show", campaign_id=made.id), code=303)


@app.get("/campaigns/<int:campaign_id>")
def show(campaign_id: int) -> str:
    """What became of it so far."""
    return render_template("show.html", progress=campaigns.progress(campaign_id))


@app.errorhandler(campaigns.SpecError)
@app.errorhandler(campaigns.AudienceError)
def refused(error: campaigns.SpecError | campaigns.AudienceError) -> tuple[str, int]:
    """The form again, and everything that is wrong."""
    faults = error.faults if isinstance(error, campaigns.SpecError) else [str(error)]
    return render_template("form.html", faults=faults), 400


@app.errorhandler(campaigns.UnknownCampaignError)
def unknown(error: campaigns.UnknownCampaignError) -> tuple[str, int]:
    """No such campaign."""
    return render_template("form.html", faults=[str(error)]), 404


@app.errorhandler(campaigns.KeyBusy)
@app.errorhandler(campaigns.DatabaseAway)
def later(error: Exception) -> tuple[str, int, dict[str, str]]:
    """The same click is right to come again: it makes no second campaign."""
    app.logger.warning("to be asked again: %s", type(error).__name__)
    return "Please press the button again in some seconds.", 503, {"Retry-After": "5"}
