// From a browser's KeyboardEvent to an X11 keysym (keysymdef.h), which RFC 6143 wants.
const named = {
  Backspace: 0xff08, Tab: 0xff09, Enter: 0xff0d, Escape: 0xff1b, Delete: 0xffff, Insert: 0xff63, Home: 0xff50, End: 0xff57, PageUp: 0xff55, PageDown: 0xff56,
  ArrowLeft: 0xff51, ArrowUp: 0xff52, ArrowRight: 0xff53, ArrowDown: 0xff54, CapsLock: 0xffe5, NumLock: 0xff7f, ScrollLock: 0xff14, Pause: 0xff13,
  PrintScreen: 0xff61, ContextMenu: 0xff67, AltGraph: 0xfe03,
};
const sided = { Shift: [0xffe1, 0xffe2], Control: [0xffe3, 0xffe4], Alt: [0xffe9, 0xffea], Meta: [0xffeb, 0xffec] };

export function keysymOfChar(char) {
  const point = char.codePointAt(0);
  if (point === 10 || point === 13) return named.Enter;
  if (point === 9) return named.Tab;
  if (point < 0x20) return 0;
  return point <= 0xff ? point : 0x01000000 + point;
}

export function keysym(event) {
  const { key, location } = event;
  if (sided[key]) return sided[key][location === 2 ? 1 : 0];
  if (named[key]) return named[key];
  const f = /^F([1-9]|1[0-9]|2[0-4])$/.exec(key);
  if (f) return 0xffbd + Number(f[1]);
  if ([...key].length === 1) return keysymOfChar(key);
  return 0;
}

const shifted = new Set("ABCDEFGHIJKLMNOPQRSTUVWXYZ~!@#$%^&*()_+{}|:\"<>?");

// The keys to press together for a character on a US keyboard: QEMU finds the key by its keysym, but presses no Shift for it.
export function chord(char) {
  const sym = keysymOfChar(char);
  return shifted.has(char) ? [sided.Shift[0], sym] : [sym];
}
