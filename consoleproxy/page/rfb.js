// A small RFB 3.8 client (RFC 6143): security type None, encodings Raw and CopyRect, resizing. It knows nothing of the page: sink gets
// size(width, height), pixels(x, y, width, height, rgba), copy(...), name(text) and done(reason).

// Inbox turns messages of any size into reads of wanted sizes.
class Inbox {
  constructor() { this.chunks = []; this.size = 0; this.waiting = null; this.closed = null; }
  push(bytes) { this.chunks.push(bytes); this.size += bytes.length; this.wake(); }
  close(reason) { this.closed = this.closed || reason; this.wake(); }
  wake() {
    const w = this.waiting;
    if (!w || (this.size < w.n && !this.closed)) return;
    this.waiting = null;
    this.size >= w.n ? w.resolve(this.cut(w.n)) : w.reject(new Error(this.closed));
  }
  read(n) { return new Promise((resolve, reject) => { this.waiting = { n, resolve, reject }; this.wake(); }); }
  cut(n) {
    const out = new Uint8Array(n);
    for (let at = 0; at < n;) {
      const first = this.chunks[0], take = Math.min(first.length, n - at);
      out.set(first.subarray(0, take), at);
      at += take;
      if (take === first.length) this.chunks.shift(); else this.chunks[0] = first.subarray(take);
    }
    this.size -= n;
    return out;
  }
  async number(bytes) {
    let v = 0;
    for (const b of await this.read(bytes)) v = v * 256 + b;
    return v;
  }
}

const latin1 = (bytes) => Array.from(bytes, (b) => String.fromCharCode(b)).join("");
const u16 = (n) => [(n >> 8) & 255, n & 255];
const u32 = (n) => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const RAW = 0, COPY_RECT = 1, DESKTOP_SIZE = -223;
// A screen larger than this is not drawn: a broken server must not take all memory.
const MAX_SIDE = 16384;

export class RFB {
  constructor(socket, sink) {
    this.socket = socket; this.sink = sink; this.in = new Inbox(); this.ready = false; this.buttons = 0;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (e) => this.in.push(new Uint8Array(e.data));
    socket.onclose = (e) => this.in.close(e.reason || (this.ready ? "the connection was closed" : "this link was used already or has expired"));
    this.run().catch((e) => { this.ready = false; socket.close(); sink.done(e.message); });
  }

  send(bytes) { if (this.socket.readyState === 1) this.socket.send(new Uint8Array(bytes)); }

  async run() {
    const version = latin1(await this.in.read(12));
    if (!version.startsWith("RFB 003.")) throw new Error("this is not an RFB server");
    this.send(Array.from("RFB 003.008\n", (c) => c.charCodeAt(0)));
    const types = await this.in.read(await this.in.number(1));
    if (types.length === 0) throw new Error(latin1(await this.in.read(await this.in.number(4))));
    if (!types.includes(1)) throw new Error("the screen wants a password of its own");
    this.send([1]);
    if (await this.in.number(4) !== 0) throw new Error(latin1(await this.in.read(await this.in.number(4))));
    this.send([1]); // shared
    await this.resize(await this.in.number(2), await this.in.number(2));
    await this.in.read(16);
    this.sink.name(latin1(await this.in.read(await this.in.number(4))));
    // 32 bits, little endian, red first: the order of ImageData.
    this.send([0, 0, 0, 0, 32, 24, 0, 1, ...u16(255), ...u16(255), ...u16(255), 0, 8, 16, 0, 0, 0]);
    this.send([2, 0, ...u16(3), ...u32(RAW), ...u32(COPY_RECT), ...u32(DESKTOP_SIZE)]);
    this.ready = true;
    this.ask(false);
    for (;;) await this.message();
  }

  ask(incremental) { this.send([3, incremental ? 1 : 0, 0, 0, 0, 0, ...u16(this.width), ...u16(this.height)]); }

  async resize(width, height) {
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) throw new Error("the screen has an impossible size");
    this.width = width; this.height = height;
    this.sink.size(width, height);
  }

  async message() {
    switch (await this.in.number(1)) {
      case 0: return this.update();
      case 1: { // colour map: not ours
        await this.in.read(3);
        await this.in.read(6 * await this.in.number(2));
        return;
      }
      case 2: return; // bell
      case 3: { // cut text
        await this.in.read(3);
        await this.in.read(await this.in.number(4));
        return;
      }
      default: throw new Error("the screen sent something unknown");
    }
  }

  async update() {
    await this.in.read(1);
    let resized = false;
    for (let left = await this.in.number(2); left > 0; left--) {
      const x = await this.in.number(2), y = await this.in.number(2), w = await this.in.number(2), h = await this.in.number(2);
      const encoding = await this.in.number(4) | 0;
      if (encoding === DESKTOP_SIZE) { await this.resize(w, h); resized = true; continue; }
      if (encoding === COPY_RECT) { this.sink.copy(await this.in.number(2), await this.in.number(2), x, y, w, h); continue; }
      if (encoding !== RAW) throw new Error("the screen used an encoding that nobody asked for");
      if (w === 0 || h === 0) continue;
      const rgba = await this.in.read(w * h * 4);
      for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
      this.sink.pixels(x, y, w, h, rgba);
    }
    this.ask(!resized);
  }

  key(sym, down) { if (this.ready && sym) this.send([4, down ? 1 : 0, 0, 0, ...u32(sym)]); }

  pointer(x, y, buttons) {
    if (!this.ready) return;
    const inside = (v, most) => Math.max(0, Math.min(most - 1, Math.round(v)));
    this.send([5, buttons, ...u16(inside(x, this.width)), ...u16(inside(y, this.height))]);
  }

  press(...syms) {
    for (const s of syms) this.key(s, true);
    for (const s of syms.reverse()) this.key(s, false);
  }
}
