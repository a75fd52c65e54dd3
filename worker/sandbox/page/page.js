// Renews the page every two seconds while somebody can see it, and tops accounts up. Without it the page is still there
// to be looked at. What was opened stays open: only what has changed is replaced.

const EVERY = 2000;
const pulse = document.querySelector("#pulse");
const pause = document.querySelector("#pause");
let paused = false;
let timer;

function say(words, trouble = false) {
  if (pulse.textContent !== words) pulse.textContent = words;
  pulse.classList.toggle("bad", trouble);
}

// What a part says, whatever is open in it.
function told(part) {
  const copy = part.cloneNode(true);
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy.outerHTML;
}

function replace(old, fresh) {
  const opened = [...old.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, position) => { details.open = opened[position] ?? details.open; });
  const focused = [...old.querySelectorAll("a, summary")].indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (focused >= 0) fresh.querySelectorAll("a, summary")[focused]?.focus({ preventScroll: true });
}

// Children with an id each, in an order that never turns round: what is gone leaves, what is new steps in between.
function patchChildren(old, fresh) {
  const wanted = new Set([...fresh.children].map((child) => child.id));
  for (const child of [...old.children]) if (!wanted.has(child.id)) child.remove();
  let cursor = old.firstElementChild;
  for (const child of [...fresh.children]) {
    if (cursor?.id === child.id) {
      const next = cursor.nextElementSibling;
      patch(cursor, child);
      cursor = next;
    } else {
      old.insertBefore(child, cursor);
    }
  }
}

function patch(old, fresh) {
  if (told(old) === told(fresh)) return;
  if ("keyed" in old.dataset) patchChildren(old, fresh);
  else replace(old, fresh);
}

async function renew() {
  try {
    const reply = await fetch(location.href);
    if (!reply.ok) throw new Error(`The sandbox answers with ${reply.status}.`);
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) patch(part, fresh.getElementById(part.id));
    if (!paused) say("Renewed every 2 seconds.");
  } catch (trouble) {
    say(trouble instanceof TypeError ? "The sandbox does not answer." : trouble.message, true);
  }
}

async function beat() {
  clearTimeout(timer);
  if (paused || document.hidden) return;
  await renew();
  clearTimeout(timer);
  timer = setTimeout(beat, EVERY);
}

async function topUp(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const amount = form.elements.amount.valueAsNumber;
  const result = form.querySelector("output");
  result.textContent = "…";
  try {
    const reply = await fetch("credits", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ login: form.dataset.login, amount }),
    });
    const answer = await reply.json();
    result.textContent = reply.ok
      ? `Added ${amount.toLocaleString("en")}: ${answer.credits.toLocaleString("en")} credits are there now.`
      : `Refused: ${answer.error}`;
    result.classList.toggle("bad", !reply.ok);
  } catch {
    result.textContent = "The sandbox did not answer; look at the credits before you try again.";
    result.classList.add("bad");
  }
  await renew();
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on" : "Pause";
  if (paused) say("Paused.");
  beat();
});
document.addEventListener("visibilitychange", beat);
for (const form of document.querySelectorAll("form.topup")) {
  form.addEventListener("submit", topUp);
  form.hidden = false;
}
pause.hidden = false;
say("Renewed every 2 seconds.");
beat();
