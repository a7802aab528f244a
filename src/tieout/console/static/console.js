// What the pages do beyond links and forms: keys, choices that apply at once, live parts. Everything works without it.
"use strict";

const root = document.documentElement;
root.classList.add("js");

// A choice of entity or period applies at once.
for (const field of document.querySelectorAll("form[data-at-once] select")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// j and k go through the rows, Enter opens one, / goes to the search, ? shows the keys.
const rows = () => [...document.querySelectorAll("[data-row]")];
const linkOf = (row) => (row.matches("a") ? row : row.querySelector("a"));

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
  const link = linkOf(next);
  if (link) link.focus();
  next.scrollIntoView({ block: "nearest" });
}

const help = document.getElementById("keys");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") document.getElementById("search").focus();
  else if (event.key === "?" && help) help.showModal();
  else return;
  event.preventDefault();
});

for (const opener of document.querySelectorAll("[data-opens-keys]")) {
  opener.addEventListener("click", () => help.showModal());
}

// Live parts: the page is asked for again, and what has changed in a part replaces it, unless somebody is reading it.
const live = () => [...document.querySelectorAll("[data-live]")];
const isRead = (part) => part.contains(document.activeElement) || part.matches(":hover") || !document.getSelection().isCollapsed;
let tag = null;

async function refresh() {
  if (document.hidden || !live().length) return;
  const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  root.toggleAttribute("data-stale", !answer.ok && answer.status !== 304);
  if (answer.status !== 200 || answer.redirected) return;
  const text = await answer.text();
  const said = new DOMParser().parseFromString(text, "text/html");
  let isWhole = true;
  for (const part of live()) {
    const newer = said.getElementById(part.id);
    if (!newer || newer.innerHTML === part.innerHTML) continue;
    if (isRead(part)) {
      isWhole = false;
      continue;
    }
    part.replaceWith(newer);
    newer.classList.add("fresh");
  }
  if (isWhole) tag = answer.headers.get("ETag");
}

if (live().length) {
  setInterval(() => refresh().catch(() => root.toggleAttribute("data-stale", true)), 5000);
}
