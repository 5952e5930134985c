
// Reads what the page says, and changes nothing of its text: what is spoken or found is marked by highlights, which
// need no elements. Times are seconds, as the audio element has them; data-b and data-e are ms.

const of = (id) => document.getElementById(id);
const audio = of("inside") ?? of("linked");
const page = document.querySelector("main");
const sentences = [...page.querySelectorAll("span")];
const timed = sentences
  .filter((element) => element.dataset.b !== undefined)
  .map((element) => ({ element, begin: element.dataset.b / 1000 }))
  .sort((one, other) => one.begin - other.begin);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// --- words -----------------------------------------------------------------------------------------------------------

// Where in the sentence each word begins, and when; undefined where that is not known. data-w has differences: place
// and ms of the second word, of the third, …
function wordsOf(sentence) {
  if (sentence.dataset.w === undefined) return undefined;
  const steps = sentence.dataset.w.split(" ").filter(Boolean).map(Number);
  const words = [{ place: 0, begin: Number(sentence.dataset.b) }];
  for (let at = 0; at < steps.length; at += 2) {
    const { place, begin } = words.at(-1);
    words.push({ place: place + steps[at], begin: begin + steps[at + 1] });
  }
  return words.map(({ place, begin }) => ({ place, begin: begin / 1000 }));
}

// How many of `list` `isBefore` holds for, which are the first ones.
function count(list, isBefore) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(list[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

const last = (list, isBefore) => list[count(list, isBefore) - 1];

function range(sentence, start, end) {
  sentence.normalize(); // A parser cuts long text.
  const made = document.createRange();
  made.setStart(sentence.firstChild, start);
  made.setEnd(sentence.firstChild, end);
  return made;
}

function wordRange(sentence, words, number) {
  const start = words[number].place;
  const text = sentence.textContent.slice(start, words[number + 1]?.place);
  return range(sentence, start, start + text.trimEnd().length);
}

// When what stands at `offset` in the sentence is said.
function timeAt(sentence, offset) {
  const word = last(wordsOf(sentence) ?? [], ({ place }) => place <= offset);
  return word?.begin ?? sentence.dataset.b / 1000;
}

// The character under a point. Browsers tell the gap between two characters that is nearest to it.
function offsetAt(sentence, x, y) {
  const caret = document.caretPositionFromPoint?.(x, y) ?? document.caretRangeFromPoint?.(x, y);
  const [node, offset] = [caret?.offsetNode ?? caret?.startContainer, caret?.offset ?? caret?.startOffset];
  if (node?.parentNode !== sentence) return 0;
  let before = offset;
  for (let other = node.previousSibling; other; other = other.previousSibling) before += other.length;
  if (before === 0) return 0;
  const isOnIt = (box) => box.left <= x && x < box.right && box.top <= y && y < box.bottom;
  return [...range(sentence, before - 1, before).getClientRects()].some(isOnIt) ? before - 1 : before;
}

// --- what is marked --------------------------------------------------------------------------------------------------

const canHighlight = "highlights" in CSS;

function highlight(name, ranges, priority) {
  if (!canHighlight) return;
  const made = new Highlight(...ranges);
  made.priority = priority;
  CSS.highlights.set(name, made);
}

const top = () => of("bar").getBoundingClientRect().bottom;
const isSeen = (box) => box.bottom > top() && box.top < innerHeight;
const isWellSeen = (box) => box.top > top() + 8 && box.top < innerHeight * 0.8;

function scrollTo(mark, behavior) {
  scrollBy({ top: mark.getBoundingClientRect().top - innerHeight * 0.35, behavior });
}

let wanted; // What is being brought into sight.

// What was not drawn yet has a guessed height, so the place is looked at again.
function show(mark, tries = 3) {
  wanted = mark;
  if (!isWellSeen(mark.getBoundingClientRect())) scrollTo(mark, "instant");
  if (tries > 0) requestAnimationFrame(() => mark === wanted && show(mark, tries - 1));
}

let current; // The sentence of the position.
let mark; // What of it is lit: the word's range, else the sentence.
let lit = -1; // That word, by its number; -1 for none.

function follow(next) {
  const follows = !audio.paused && mark && isSeen(mark.getBoundingClientRect());
  mark = next;
  if (follows && !isWellSeen(mark.getBoundingClientRect())) scrollTo(mark, calm.matches ? "instant" : "smooth");
}

let words; // Those of the current sentence.

function light(seconds) {
  const sentence = last(timed, ({ begin }) => begin <= seconds + 0.001)?.element;
  if (sentence !== current) {
    current?.removeAttribute("aria-current");
    sentence?.setAttribute("aria-current", "true");
    [current, lit] = [sentence, -1];
    words = sentence && wordsOf(sentence);
    highlight("said", [], 1);
    if (sentence) follow(sentence);
  }
  const isOver = sentence?.dataset.e !== undefined && seconds * 1000 > Number(sentence.dataset.e) + 300;
  const number = words && !isOver ? count(words, ({ begin }) => begin <= seconds + 0.001) - 1 : -1;
  if (number === lit) return;
  lit = number;
  const range = lit < 0 ? undefined : wordRange(sentence, words, lit);
  highlight("said", range ? [range] : [], 1);
  if (range) follow(range);
}

// --- the player ------------------------------------------------------------------------------------------------------

let position = 0; // Kept while there is no sound yet.

function clock(seconds) {
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function draw() {
  if (audio.readyState > 0) position = audio.currentTime;
  const shown = clock(position);
  if (of("now").value !== shown) {
    of("now").value = shown;
    of("seek").value = position;
    of("seek").setAttribute("aria-valuetext", shown);
  }
  light(position);
}

// timeupdate comes four times a second only.
function play() {
  draw();
  if (!audio.paused) requestAnimationFrame(play);
}

function seek(seconds) {
  position = Math.max(0, Math.min(seconds, audio.duration || Infinity));
  audio.currentTime = position;
  draw();
}

// Of who goes there without seeing where that is.
function move(seconds) {
  seek(seconds);
  if (mark && !isSeen(mark.getBoundingClientRect())) show(mark);
}

function playFrom(seconds) {
  seek(seconds);
  start();
}

function start() {
  if (audio.currentSrc && !audio.error) audio.play().catch(() => undefined);
  else miss();
}

const toggle = () => (audio.paused ? start() : audio.pause());

function speed(rate) {
  audio.playbackRate = audio.defaultPlaybackRate = Math.max(0.5, Math.min(rate, 3));
  of("speed").textContent = `${audio.playbackRate}×`;
  of("speed").setAttribute("aria-label", `Speed: ${audio.playbackRate}×`);
}

function miss() {
  const source = audio.getAttribute("src") ?? "";
  const here = /^(blob|data):/.test(source) ? "This recording cannot be played." : "The recording is not where this page looks for it.";
  of("why").textContent = source ? here : "The recording is not part of this page.";
  of("missing").hidden = false;
  of("play").disabled = true;
}

function take(file) {
  if (!file) return;
  if (audio.src.startsWith("blob:")) URL.revokeObjectURL(audio.src);
  const at = position;
  audio.src = URL.createObjectURL(file);
  audio.currentTime = at;
  of("missing").hidden = true;
  of("play").disabled = false;
}

audio.addEventListener("play", () => {
  document.body.classList.add("playing");
  of("play").setAttribute("aria-label", "Pause");
  play();
});
audio.addEventListener("pause", () => {
  document.body.classList.remove("playing");
  of("play").setAttribute("aria-label", "Play");
});
for (const event of ["seeked", "timeupdate"]) audio.addEventListener(event, draw);

function lasts(seconds) {
  if (!Number.isFinite(seconds)) return;
  of("seek").max = seconds;
  of("length").textContent = clock(seconds);
}

for (const event of ["loadedmetadata", "durationchange"]) {
  audio.addEventListener(event, () => {
    of("missing").hidden = true;
    lasts(audio.duration);
    draw();
  });
}
audio.addEventListener("error", miss);
of("play").addEventListener("click", toggle);
of("speed").addEventListener("click", () => speed(audio.playbackRate >= 2 ? 0.75 : audio.playbackRate + 0.25));
of("seek").addEventListener("input", () => move(Number(of("seek").value)));
of("file").addEventListener("change", () => take(of("file").files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files[0]);
});

page.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link) return playFrom(timeOf(link.hash));
  const sentence = event.target.closest("span[data-b]");
  // Whoever selects text does not want to hear it.
  if (!sentence || !getSelection().isCollapsed) return;
  playFrom(timeAt(sentence, offsetAt(sentence, event.clientX, event.clientY)));
});

// --- links to a time -------------------------------------------------------------------------------------------------

// Of #t=12.3 and #t=1:02:03; undefined where it is something else.
function timeOf(hash) {
  const found = /^#t=((?:\d{1,9}:){0,2}\d{1,9}(?:\.\d*)?)$/.exec(hash);
  return found?.[1].split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

function open() {
  const seconds = timeOf(location.hash);
  if (seconds === undefined) return;
  seek(seconds);
  if (mark) show(mark);
}

let copied; // What goes to the clipboard in place of the selection.

function offer() {
  const selection = getSelection();
  const isOurs = !selection.isCollapsed && page.contains(selection.anchorNode) && page.contains(selection.focusNode);
  const boxes = isOurs ? [...selection.getRangeAt(0).getClientRects()] : [];
  const button = of("copy");
  button.hidden = !boxes.length || timeOfSelection() === undefined;
  if (button.hidden) return;
  const { right, bottom } = boxes.at(-1);
  button.textContent = "Copy with link";
  button.style.top = `${bottom + scrollY + 6}px`;
  button.style.left = `${Math.max(8, Math.min(right + scrollX, innerWidth - 8) - button.offsetWidth)}px`;
}

function timeOfSelection() {
  const { startContainer, startOffset } = getSelection().getRangeAt(0);
  const sentence = startContainer.parentElement?.closest("span[data-b]");
  if (sentence) return timeAt(sentence, startOffset);
  const isBefore = (one) => startContainer.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING;
  const after = sentences[count(sentences, isBefore)];
  return after?.dataset.b && after.dataset.b / 1000;
}

document.addEventListener("selectionchange", offer);
of("copy").addEventListener("pointerdown", (event) => event.preventDefault()); // Keeps the selection.
of("copy").addEventListener("click", () => {
  const seconds = timeOfSelection();
  copied = `${getSelection().toString().trim()}\n${location.href.split("#")[0]}#t=${Math.floor(seconds * 10) / 10}`;
  document.execCommand("copy");
  copied = undefined;
  of("copy").textContent = "Copied";
});
document.addEventListener("copy", (event) => {
  if (copied === undefined) return;
  event.clipboardData.setData("text/plain", copied);
  event.preventDefault();
});

// --- search ----------------------------------------------------------------------------------------------------------

let all; // The text of all sentences, made for the first search.
let places; // Where in it each begins.
let hits = [];
let hit = -1;
const NEAR = 500; // So many matches on both sides of the chosen one are marked.

function hitRange([start, end]) {
  const found = document.createRange();
  const put = (place, method) => {
    const at = count(places, (begin) => begin <= place) - 1;
    sentences[at].normalize();
    found[method](sentences[at].firstChild, Math.min(place - places[at], sentences[at].firstChild.length));
  };
  put(start, "setStart");
  put(end, "setEnd");
  return found;
}

function search() {
  if (all === undefined) {
    const texts = sentences.map((sentence) => sentence.textContent);
    all = texts.join("\n");
    let place = 0;
    places = texts.map((text) => (place += text.length + 1) - text.length - 1);
  }
  const query = of("query").value.trim();
  const pattern = query.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&").replace(/\s+/gu, "\\s+");
  hits = query ? [...all.matchAll(new RegExp(pattern, "giu"))].map((found) => [found.index, found.index + found[0].length]) : [];
  // The first one that is not above what is seen.
  const from = places[count(sentences, (sentence) => sentence.getBoundingClientRect().bottom < top())] ?? 0;
  choose(hits.length ? Math.max(0, hits.findIndex(([start]) => start >= from)) : -1);
}

function choose(number) {
  hit = number;
  const some = hits.slice(Math.max(0, hit - NEAR), hit + NEAR).map(hitRange);
  highlight("found", some, 2);
  highlight("chosen", hit < 0 ? [] : [hitRange(hits[hit])], 3);
  of("count").value = hits.length ? `${hit + 1} of ${hits.length}` : of("query").value.trim() ? "none" : "";
  of("previous").disabled = of("next").disabled = !hits.length;
  if (hit < 0) return;
  const found = hitRange(hits[hit]);
  if (!canHighlight) getSelection().setBaseAndExtent(found.startContainer, found.startOffset, found.endContainer, found.endOffset);
  show(found);
}

const step = (by) => hits.length && choose((hit + by + hits.length) % hits.length);

function leaveSearch() {
  const found = hit < 0 ? undefined : hitRange(hits[hit]).startContainer.parentElement;
  of("query").value = "";
  search();
  of("query").blur();
  found?.focus({ preventScroll: true });
}

of("query").addEventListener("input", search);
of("next").addEventListener("click", () => step(1));
of("previous").addEventListener("click", () => step(-1));
of("query").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
  else if (event.key === "Escape") leaveSearch();
  else return;
  event.preventDefault();
});

// --- keys ------------------------------------------------------------------------------------------------------------

const KEYS = {
  " ": toggle,
  "/": () => of("query").select(),
  ArrowLeft: () => move(position - 5),
  ArrowRight: () => move(position + 5),
  "[": () => speed(audio.playbackRate - 0.25),
  "]": () => speed(audio.playbackRate + 0.25),
};
addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || target === of("query")) return;
  // Many keyboards have [ and ] only with Alt, or with AltGr, which counts as Ctrl and Alt.
  const needsAlt = (key === "[" || key === "]") && event.altKey;
  if (event.metaKey || ((event.ctrlKey || event.altKey) && !needsAlt)) return;
  if (event.shiftKey && /^( |Arrow.*)$/.test(key)) return; // That scrolls and selects. Some keyboards have / with Shift.
  if (key === "Enter" && target.matches("main span[data-b]")) return playFrom(target.dataset.b / 1000);
  if (!(key in KEYS) || (key === " " && target.matches("button, main a, #file"))) return;
  event.preventDefault();
  KEYS[key]();
});

// --- begin -----------------------------------------------------------------------------------------------------------

for (const { element } of timed) element.tabIndex = 0;
// What is known before the sound is, or without it.
lasts((timed.at(-1)?.element.dataset.e ?? NaN) / 1000);
for (const element of document.querySelectorAll("audio")) {
  element.controls = false;
  element.hidden = true;
  if (element === audio) element.preload = "metadata";
  else element.removeAttribute("src");
}
of("player").hidden = false;
document.body.classList.add("works");
if (audio.error || !audio.getAttribute("src")) miss();
if (audio.readyState > 0) audio.dispatchEvent(new Event("durationchange"));
addEventListener("hashchange", open);
open();
