// Live answers: the form is sent while it is filled in, and the server's answer takes its place on the page.

const PAUSE = 250; // milliseconds without a key before the form is sent

const form = document.getElementById("form");
const verdict = document.getElementById("verdict");
const why = document.getElementById("why");
const truth = document.getElementById("truth");
const fields = [...form.querySelectorAll("input, select")];
let timer;
let under_way = new AbortController();

function place(field) {
  const mark = field.parentElement.querySelector(".here");
  if (!mark?.dataset.low) return;
  const [low, high] = [Number(mark.dataset.low), Number(mark.dataset.high)];
  const share = (Number(field.value) - low) / (high - low);
  const dot = mark.firstElementChild;
  const shown = field.value.trim() !== "" && Number.isFinite(share);
  dot.setAttribute("visibility", shown ? "visible" : "hidden");
  if (shown) dot.setAttribute("cx", `${100 * Math.min(1, Math.max(0, share))}%`);
}

function note(field, item) {
  const error = item?.className === "error";
  const place = document.getElementById(`${field.id}-note`);
  place.textContent = item?.textContent ?? "";
  place.classList.toggle("error", error);
  if (error) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function say(sentence) {
  const line = document.createElement("p");
  line.className = "soft";
  line.textContent = sentence;
  verdict.replaceChildren(line);
  why.replaceChildren();
}

function show(part) {
  const items = new Map([...part.querySelectorAll("li[data-key]")].map((item) => [item.dataset.key, item]));
  for (const field of fields) note(field, items.get(field.id));
  verdict.replaceChildren(...part.getElementById("verdict").childNodes);
  const open = why.querySelector("details")?.open;
  why.replaceChildren(...part.getElementById("why").childNodes);
  if (open) why.querySelector("details")?.setAttribute("open", "");
}

async function ask() {
  clearTimeout(timer);
  under_way.abort();
  under_way = new AbortController();
  const { signal } = under_way;
  const body = new URLSearchParams(new FormData(form));
  body.set("part", "answer");
  try {
    const response = await fetch(form.action, { method: "POST", body, signal, headers: { accept: "text/html" } });
    const part = new DOMParser().parseFromString(await response.text(), "text/html");
    if (signal.aborted) return;
    if (part.getElementById("verdict")) show(part);
    else say(part.getElementById("sentence")?.textContent ?? "The server cannot answer now.");
  } catch (error) {
    if (error.name !== "AbortError") say("The server cannot be reached.");
  }
}

function changed() {
  clearTimeout(timer);
  under_way.abort();
  const empty = fields.filter((field) => field.required && !field.value.trim()).length;
  if (empty) say(`${empty} ${empty === 1 ? "column still needs" : "columns still need"} a value.`);
  else timer = setTimeout(ask, PAUSE);
}

form.addEventListener("input", (event) => {
  truth.textContent = "";
  place(event.target);
  if (!event.target.value.trim()) note(event.target);
  changed();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const more of form.querySelectorAll("details")) {
    if ([...more.querySelectorAll(":required")].some((field) => !field.value.trim())) more.open = true;
  }
  ask();
});

for (const example of document.querySelectorAll("a.example")) {
  example.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const values = JSON.parse(example.dataset.values);
    for (const field of fields) {
      field.value = values[Number(field.id.slice(1))];
      place(field);
    }
    truth.textContent = example.dataset.truth;
    ask();
  });
}
