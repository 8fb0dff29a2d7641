import { RFB } from "./rfb.js";
import { chord, keysym } from "./keys.js";

const $ = (id) => document.getElementById(id);
const canvas = $("screen"), draw = canvas.getContext("2d", { alpha: false });

function say(text, bad) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", Boolean(bad));
  for (const id of ["cad", "paste"]) $(id).disabled = Boolean(bad);
}

const sink = {
  size(w, h) { canvas.width = w; canvas.height = h; },
  pixels(x, y, w, h, rgba) { draw.putImageData(new ImageData(new Uint8ClampedArray(rgba.buffer), w, h), x, y); },
  copy(fromX, fromY, x, y, w, h) { draw.drawImage(canvas, fromX, fromY, w, h, x, y, w, h); },
  name(text) { $("title").textContent = text; document.title = text; say("connected"); canvas.focus(); },
  done(reason) { say(reason, true); },
};

const address = new URL(location.href);
address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
address.pathname = address.pathname.replace(/\/+$/, "");
address.search = address.hash = "";
const rfb = new RFB(new WebSocket(address, ["binary"]), sink);

// Keyboard. What went down is remembered by its physical key, so that it goes up as the same keysym whatever the modifiers do meanwhile.
const down = new Map();
canvas.addEventListener("keydown", (e) => {
  const sym = down.get(e.code) || keysym(e);
  if (!sym) return;
  e.preventDefault();
  if (e.code) down.set(e.code, sym);
  rfb.key(sym, true);
});
canvas.addEventListener("keyup", (e) => {
  const sym = down.get(e.code) || keysym(e);
  down.delete(e.code);
  e.preventDefault();
  rfb.key(sym, false);
});
canvas.addEventListener("blur", () => {
  for (const sym of down.values()) rfb.key(sym, false);
  down.clear();
});

// Pointer. With object-fit: contain the picture may be smaller than the element.
let buttons = 0;
function place(e) {
  const box = canvas.getBoundingClientRect(), scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const x = (e.clientX - box.left - (box.width - canvas.width * scale) / 2) / scale;
  const y = (e.clientY - box.top - (box.height - canvas.height * scale) / 2) / scale;
  rfb.pointer(x, y, buttons);
}
const bit = [1, 2, 4];
canvas.addEventListener("pointerdown", (e) => { canvas.focus(); canvas.setPointerCapture(e.pointerId); buttons |= bit[e.button] || 0; place(e); });
canvas.addEventListener("pointerup", (e) => { buttons &= ~(bit[e.button] || 0); place(e); });
canvas.addEventListener("pointermove", place);
canvas.addEventListener("contextmenu", (e) => e.preventDefault());
canvas.addEventListener("wheel", (e) => {
  e.preventDefault();
  const wheel = e.deltaY < 0 ? 8 : 16;
  buttons |= wheel; place(e);
  buttons &= ~wheel; place(e);
}, { passive: false });

$("cad").onclick = () => { rfb.press(0xffe3, 0xffe9, 0xffff); canvas.focus(); };
$("paste").onclick = () => { $("text").value = ""; $("pasting").returnValue = ""; $("pasting").showModal(); };
$("pasting").addEventListener("close", () => {
  if ($("pasting").returnValue === "send") for (const c of $("text").value.replaceAll("\r\n", "\n")) rfb.press(...chord(c));
  canvas.focus();
});
$("scale").onclick = () => {
  const fit = canvas.classList.toggle("fit");
  $("scale").setAttribute("aria-pressed", String(fit));
};
canvas.classList.add("fit");
$("full").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
