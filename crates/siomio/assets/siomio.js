/*!
 * siomio.js: a small Socket.IO client (protocol 5 over Engine.IO 4) without dependencies or a build step.
 *
 *   const socket = siomio("/chat", { auth: { token: "…" } });
 *   socket.on("connect", () => socket.emit("hello", "world", (answer) => console.log(answer)));
 *
 * Browser: <script src="/siomio.js"></script>, then the global `siomio`.
 * Node 20 or later: const siomio = require("./siomio.js"), with { WebSocket: require("ws") } among the options
 * where the runtime has no WebSocket of its own.
 *
 * Licence: MIT OR Apache-2.0
 */
(() => {
  "use strict";

  const DEFAULTS = {
    path: "/socket.io",
    query: {}, // more parameters for the URL of every request
    transports: ["polling", "websocket"], // the first one opens the connection
    upgrade: true, // move from polling to WebSocket when the server offers it
    timeout: 20_000, // ms for one attempt to connect
    withCredentials: false, // send cookies across origins (polling)
    extraHeaders: {}, // polling only: browsers allow none on a WebSocket
    maxAttachments: 10, // binary parts accepted in one incoming packet
    reconnection: true,
    reconnectionAttempts: Infinity,
    reconnectionDelay: 1_000,
    reconnectionDelayMax: 5_000,
    randomizationFactor: 0.5,
  };

  // -- Events -----------------------------------------------------------------------------------------------------

  /** Reports an error of the application's own code without letting it derail the protocol. */
  const report = (error) => queueMicrotask(() => { throw error; });

  /** Calls application code; whatever it throws is reported, never propagated. */
  function guarded(listener, ...args) {
    try {
      listener(...args);
    } catch (error) {
      report(error);
    }
  }

  class Emitter {
    #listeners = new Map();

    on(event, listener) {
      const key = String(event); // event names may be integers on the wire
      this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), listener]);
      return this;
    }

    once(event, listener) {
      const wrapper = (...args) => {
        this.off(event, wrapper);
        listener.apply(this, args);
      };
      wrapper.wraps = listener;
      return this.on(event, wrapper);
    }

    /** Removes one listener, all listeners of an event, or all listeners. */
    off(event, listener) {
      if (event === undefined) this.#listeners.clear();
      else if (listener === undefined) this.#listeners.delete(String(event));
      else {
        const kept = (this.#listeners.get(String(event)) ?? []).filter((l) => l !== listener && l.wraps !== listener);
        this.#listeners.set(String(event), kept);
      }
      return this;
    }

    /** Calls the local listeners of an event; `on` and `off` copy the list, so listeners may change it meanwhile. */
    _fire(event, ...args) {
      for (const listener of this.#listeners.get(String(event)) ?? []) guarded(listener.bind(this), ...args);
    }
  }

  // -- Codec ------------------------------------------------------------------------------------------------------

  const SEPARATOR = "\x1e"; // between the packets of a polling payload
  const CONNECT = 0, DISCONNECT = 1, EVENT = 2, ACK = 3, CONNECT_ERROR = 4, BINARY_OFFSET = 3;
  const RESERVED = new Set([
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
  ]);
  const HEAD = /^([0-6])(?:(\d{1,9})-)?(?:(\/[^,]*)(?:,|$))?(\d*)/; // type, attachments, namespace, ack id

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const isBlob = (value) => typeof Blob === "function" && value instanceof Blob;
  const isBuffer = (value) => Object.prototype.toString.call(value) === "[object ArrayBuffer]"; // from any realm
  const isBinary = (value) => isObject(value) && (ArrayBuffer.isView(value) || isBuffer(value) || isBlob(value));

  /** The bytes as they are now: what the caller does to its buffer after `emit` must not change what is sent. */
  function snapshot(value) {
    if (isBlob(value)) return value; // immutable, read by the engine
    return isBuffer(value)
      ? new Uint8Array(value).slice()
      : new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  }

  const encoder = new TextEncoder();
  const base64Length = (byteLength) => 4 * Math.ceil(byteLength / 3);

  function toBase64(bytes) {
    let binary = "";
    // In pieces, since an argument list has a limit of its own.
    for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(binary);
  }

  function fromBase64(text) {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes.buffer;
  }

  /** One Socket.IO packet as Engine.IO frames: its text, then one binary frame for each attachment. */
  function encode(type, nsp, id, data) {
    const attachments = [];
    const lift = function (key, value) {
      const binary = isBinary(this[key]) ? this[key] : value; // before any toJSON, which a Node Buffer has
      if (!isBinary(binary)) return value;
      attachments.push(snapshot(binary));
      return { _placeholder: true, num: attachments.length - 1 };
    };
    const carriesBinary = type === EVENT || type === ACK;
    const json = data === undefined ? "" : JSON.stringify(data, carriesBinary ? lift : undefined);
    const kind = attachments.length ? `${type + BINARY_OFFSET}${attachments.length}-` : `${type}`;
    return [`4${kind}${nsp === "/" ? "" : `${nsp},`}${id ?? ""}${json}`, ...attachments];
  }

  /** Turns incoming text and binary messages into packets; throws on whatever the protocol does not allow. */
  class Decoder {
    #waiting = null; // a packet whose attachments have not all come: { packet, wanted, attachments }
    #limit;

    constructor(maxAttachments) {
      this.#limit = maxAttachments;
    }

    /** Returns the packet which this message completes, or null while attachments are missing. */
    add(message) {
      if (typeof message === "string") {
        if (this.#waiting) throw new Error("text in place of an attachment");
        const { wanted, ...packet } = this.#parse(message);
        if (wanted === 0) return packet;
        this.#waiting = { packet, wanted, attachments: [] };
        return null;
      }
      if (!this.#waiting) throw new Error("an attachment which no packet announced");
      const { packet, wanted, attachments } = this.#waiting;
      attachments.push(message);
      if (attachments.length < wanted) return null;
      this.#waiting = null;
      packet.data = fill(packet.data, attachments);
      return packet;
    }

    #parse(text) {
      const head = HEAD.exec(text);
      if (!head) throw new Error("unknown packet type");
      const [whole, digit, count, nsp = "/", idText] = head;
      const binary = Number(digit) >= EVENT + BINARY_OFFSET;
      const type = binary ? digit - BINARY_OFFSET : Number(digit);
      const wanted = Number(count ?? 0);
      if (binary ? wanted < 1 || wanted > this.#limit : count !== undefined) throw new Error("illegal attachments");
      const id = idText === "" ? undefined : Number(idText);
      if (id > Number.MAX_SAFE_INTEGER) throw new Error("ack id out of range");
      const json = text.slice(whole.length);
      const data = json === "" ? undefined : JSON.parse(json);
      if (!fits(type, data)) throw new Error("invalid payload");
      return { type, nsp, id, data, wanted };
    }
  }

  function fits(type, data) {
    switch (type) {
      case CONNECT: return data === undefined || isObject(data);
      case DISCONNECT: return data === undefined;
      case CONNECT_ERROR: return typeof data === "string" || isObject(data);
      case ACK: return data === undefined || Array.isArray(data);
      default: // EVENT; a peer must not be able to forge the events of our own making
        return Array.isArray(data) && ["string", "number"].includes(typeof data[0]) && !RESERVED.has(data[0]);
    }
  }

  /** Puts attachments where their placeholders are. Writes own keys only, so `__proto__` in JSON stays harmless. */
  function fill(node, attachments) {
    if (typeof node !== "object" || node === null) return node;
    if (node._placeholder === true) {
      const known = Number.isInteger(node.num) && node.num >= 0 && node.num < attachments.length;
      if (!known) throw new Error("illegal attachments");
      return attachments[node.num];
    }
    for (const key of Object.keys(node)) node[key] = fill(node[key], attachments);
    return node;
  }

  // -- Transports -------------------------------------------------------------------------------------------------
  //
  // A transport has `open()`, `writable`, `send(queue, maxPayload)`, which removes what it takes from the front of
  // the queue, and `close(tell)`. It calls its `on`: open(), packet(frame), drain(), gone(reason, error); none of
  // them after `close`.

  function failure(message, details) {
    return Object.assign(new Error(message), { type: "TransportError" }, details);
  }

  class Polling {
    #url; #options; #abort = new AbortController();
    #state = "open"; // open → pausing → open | closed
    #reading = false;
    #writing = false;
    #whenPaused = null;

    constructor(url, options, on) {
      this.#url = url;
      this.#options = options;
      this.on = on;
    }

    get writable() {
      return this.#state === "open" && !this.#writing;
    }

    open() {
      this.#read();
    }

    async #read() {
      this.#reading = true;
      try {
        while (this.#state === "open") {
          const payload = await this.#request("GET");
          for (const packet of payload.split(SEPARATOR)) {
            if (this.#state === "closed") return;
            this.on.packet(packet);
          }
        }
      } catch (error) {
        this.#fail("fetch read error", error);
      }
      this.#reading = false;
      this.#checkPaused();
    }

    /** Posts as many frames as fit below the server's limit; a frame above it goes alone, for the server to judge. */
    async send(queue, maxPayload = Infinity) {
      const packets = [];
      let size = 0;
      for (const frame of queue) {
        const text = typeof frame === "string";
        size += (packets.length && 1) + (text ? encoder.encode(frame).length : 1 + base64Length(frame.byteLength));
        if (packets.length && size > maxPayload) break;
        packets.push(text ? frame : `b${toBase64(frame)}`);
      }
      queue.splice(0, packets.length);
      this.#writing = true;
      try {
        await this.#request("POST", packets.join(SEPARATOR));
      } catch (error) {
        return this.#fail("fetch write error", error);
      }
      this.#writing = false;
      this.#checkPaused();
      if (this.#state !== "closed") this.on.drain();
    }

    async #request(method, body, more) {
      const response = await fetch(this.#url(), {
        method,
        body,
        cache: "no-store",
        credentials: this.#options.withCredentials ? "include" : "same-origin",
        // A plain text body needs no CORS preflight.
        headers: { ...this.#options.extraHeaders, ...(body && { "Content-Type": "text/plain;charset=UTF-8" }) },
        signal: this.#abort.signal,
        ...more,
      });
      const text = await response.text(); // read in any case, so that the connection can be used again
      const { status } = response;
      if (status !== 200) throw failure(`HTTP status ${status}`, { status, body: text });
      return text;
    }

    /** Resolves when the running GET and POST have ended; none is started until `resume`. */
    pause() {
      this.#state = "pausing";
      return new Promise((resolve) => {
        this.#whenPaused = resolve;
        this.#checkPaused();
      });
    }

    #checkPaused() {
      if (this.#state === "pausing" && !this.#reading && !this.#writing) this.#whenPaused();
    }

    resume() {
      if (this.#state !== "pausing") return;
      this.#state = "open";
      if (!this.#reading) this.#read();
    }

    /** With `tell` the server learns of it and ends the parked GET itself. */
    close(tell) {
      if (this.#state === "closed") return;
      this.#state = "closed";
      const told = tell ? this.#request("POST", "1", { keepalive: true }).catch(() => {}) : Promise.resolve();
      told.then(() => this.#abort.abort());
    }

    #fail(message, error) {
      if (this.#state === "closed") return;
      this.close(false);
      this.on.gone("transport error", failure(message, { description: error.status ?? error.message, cause: error }));
    }
  }

  class WebSocketTransport {
    #url; #options; #socket = null;

    constructor(url, options, on) {
      this.#url = url;
      this.#options = options;
      this.on = on;
    }

    get writable() {
      return this.#socket?.readyState === 1;
    }

    open() {
      const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
      try {
        this.#socket = new WebSocket(this.#url());
      } catch (error) {
        queueMicrotask(() => this.on.gone("transport error", failure("websocket error", { cause: error })));
        return;
      }
      const socket = this.#socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => this.on.open();
      socket.onmessage = ({ data }) => this.on.packet(data);
      socket.onerror = (event) =>
        this.#end("transport error", failure("websocket error", { cause: event.error ?? event }));
      socket.onclose = ({ code, reason }) =>
        this.#end("transport close", failure("websocket closed by the server", { description: code, body: reason }));
    }

    send(queue) {
      for (const frame of queue.splice(0)) this.#socket.send(frame);
    }

    #end(reason, error) {
      this.close();
      this.on.gone(reason, error);
    }

    close() {
      const socket = this.#socket;
      if (!socket) return;
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {}; // closing while connecting is an "error", fatal in Node when nobody listens
      socket.close();
    }
  }

  // -- Engine: one Engine.IO session ------------------------------------------------------------------------------
  //
  //   opening ──handshake──▶ open ──close()──▶ closing ──all sent──▶ closed
  //      └──────────────────── any failure, any time ─────────────────▲
  //
  // Beside it a probe may run: a WebSocket which proves itself ("2probe", "3probe") and then replaces polling.

  const LONGEST_TIMER = 2 ** 31 - 1; // a longer setTimeout would fire at once

  class Engine {
    #origin; #options; #on; // #on: open(), message(data), close(reason, error)
    #state = "opening";
    #transport;
    #probe = null;
    #queue = []; // frames ready to be sent
    #staged = null; // frames behind a Blob that is still being read
    #session = { sid: undefined, maxPayload: Infinity };
    #heartbeat = { timer: undefined, deadline: Infinity };
    #offline = () => this.#end("transport close", failure("network connection lost"));

    constructor(origin, options, on) {
      this.#origin = origin;
      this.#options = options;
      this.#on = on;
      this.#transport = this.#create(options.transports[0], {
        open: () => {},
        packet: (frame) => this.#receive(frame),
        drain: () => this.#flush(),
        gone: (reason, error) => this.#end(reason, error),
      });
    }

    #create(name, on) {
      const url = () => {
        const origin = name === "websocket" ? this.#origin.replace(/^http/, "ws") : this.#origin;
        const { sid } = this.#session;
        const query = new URLSearchParams({ ...this.#options.query, EIO: "4", transport: name, ...(sid && { sid }) });
        return `${origin}${this.#options.path.replace(/\/$/, "")}/?${query}`;
      };
      if (name === "polling") return new Polling(url, this.#options, on);
      if (name === "websocket") return new WebSocketTransport(url, this.#options, on);
      throw new TypeError(`unknown transport: ${name}`);
    }

    get transport() {
      return this.#transport instanceof Polling ? "polling" : "websocket";
    }

    open() {
      globalThis.addEventListener?.("offline", this.#offline);
      this.#transport.open();
    }

    // --- incoming ---

    #receive(frame) {
      if (this.#state !== "open" && this.#state !== "opening") return;
      try {
        if (typeof frame !== "string") return this.#message(frame);
        switch (frame[0]) {
          case "0": return this.#handshake(JSON.parse(frame.slice(1)));
          case "1": return this.#end("transport close", failure("closed by the server"));
          case "2": return this.#pong();
          case "3": case "5": case "6": return; // nothing to do for a client
          case "4": return this.#message(frame.slice(1));
          case "b": return this.#message(fromBase64(frame.slice(1)));
          default: throw new Error("unknown Engine.IO packet type");
        }
      } catch (error) {
        this.#end("parse error", error);
      }
    }

    #message(data) {
      if (this.#state !== "open") throw new Error("a message before the handshake");
      this.#on.message(data);
    }

    #handshake({ sid, upgrades = [], pingInterval, pingTimeout, maxPayload = Infinity }) {
      if (this.#state !== "opening") return;
      if (typeof sid !== "string" || !(pingInterval + pingTimeout > 0)) throw new Error("invalid handshake");
      this.#session = { sid, maxPayload, patience: pingInterval + pingTimeout };
      this.#state = "open";
      this.#awaitPing();
      const { upgrade, transports } = this.#options;
      this.#on.open();
      const better = upgrade && this.#transport instanceof Polling && transports.includes("websocket");
      if (better && upgrades.includes("websocket") && this.#state === "open") this.#tryUpgrade();
    }

    // --- heartbeat: the server pings; its silence means that the connection is dead ---

    #awaitPing() {
      const { patience } = this.#session;
      clearTimeout(this.#heartbeat.timer);
      this.#heartbeat.deadline = Date.now() + patience;
      this.#heartbeat.timer = setTimeout(() => this.#timedOut(), Math.min(patience, LONGEST_TIMER));
    }

    #pong() {
      this.#awaitPing();
      this.#queue.unshift("3"); // ahead of a long queue, which may take longer than the server waits
      this.#flush();
    }

    #timedOut() {
      this.#end("ping timeout", new Error("no ping from the server"));
    }

    /** False, and closed, when the deadline has passed unnoticed: timers sleep with the machine or a hidden tab. */
    alive() {
      if (this.#state === "open" && Date.now() > this.#heartbeat.deadline) this.#timedOut();
      return this.#state === "open";
    }

    // --- upgrade ---

    #tryUpgrade() {
      const probe = this.#create("websocket", {
        open: () => probe.send(["2probe"]),
        packet: (frame) => (frame === "3probe" ? this.#switchTo(probe) : this.#abandon(probe)),
        drain: () => {},
        gone: () => this.#abandon(probe),
      });
      this.#probe = probe;
      probe.open();
    }

    /** A pausing transport is not writable, and its last answers come first: so both directions keep their order. */
    async #switchTo(probe) {
      await this.#transport.pause();
      if (this.#probe !== probe) return; // it failed meanwhile, or the session is over
      probe.on = this.#transport.on;
      this.#transport = probe;
      this.#probe = null;
      probe.send(["5"]);
      this.#flush();
    }

    #abandon(probe) {
      if (this.#probe !== probe) return;
      this.#probe = null;
      probe.close();
      this.#transport.resume();
      this.#flush();
    }

    // --- outgoing ---

    /** Queues the frames of one packet. They stay together and in order, also behind a Blob which must be read. */
    send(frames) {
      if (this.#state !== "open") return;
      if (!this.#staged && !frames.some(isBlob)) {
        this.#queue.push(...frames);
        return this.#flush();
      }
      const turn = this.#stage(frames, this.#staged).finally(() => {
        if (this.#staged === turn) this.#staged = null;
        this.#flush();
      });
      this.#staged = turn;
    }

    async #stage(frames, before) {
      await before;
      try {
        const bytes = async (frame) => (isBlob(frame) ? new Uint8Array(await frame.arrayBuffer()) : frame);
        this.#queue.push(...(await Promise.all(frames.map(bytes))));
      } catch (error) {
        report(error); // a file that has vanished costs its own packet only
      }
    }

    #flush() {
      if (!this.#transport.writable) return;
      if (this.#queue.length) this.#transport.send(this.#queue, this.#session.maxPayload);
      const done = this.#transport.writable && !this.#queue.length && !this.#staged;
      if (done && this.#state === "closing") this.#end("forced close");
    }

    // --- end ---

    /** Ends the session once everything queued has been sent. */
    close() {
      if (this.#state === "opening") return this.#end("forced close");
      if (this.#state !== "open") return;
      this.#state = "closing";
      this.#flush();
    }

    /** Ends the session at once. */
    abort(reason, error) {
      this.#end(reason, error);
    }

    #end(reason, error) {
      if (this.#state === "closed") return;
      const known = this.#state !== "opening"; // to the server
      this.#state = "closed";
      clearTimeout(this.#heartbeat.timer);
      globalThis.removeEventListener?.("offline", this.#offline);
      this.#transport.close(known && !reason.startsWith("transport"));
      this.#probe?.close();
      this.#probe = null;
      this.#on.close(reason, error);
    }
  }

  // -- Manager: one connection for many namespaces, opened again when it is lost ----------------------------------
  //
  // Events: open, close (reason), error (err), reconnect_attempt (n), reconnect (n), reconnect_error (err),
  // reconnect_failed.

  class Manager extends Emitter {
    #origin; #options; #decoder;
    #state = "closed"; // closed → opening → open → closed
    #engine = null;
    #sockets = new Map(); // by namespace
    #attempts = 0;
    #retryTimer; #openTimer;

    constructor(origin, options = {}) {
      super();
      this.#origin = origin;
      this.#options = { ...DEFAULTS, ...options };
    }

    /** The socket of a namespace, made when there is none. */
    socket(nsp, options = {}) {
      let socket = this.#sockets.get(nsp);
      if (!socket) this.#sockets.set(nsp, (socket = new Socket(this, nsp, options.auth)));
      return socket;
    }

    has(nsp) {
      return this.#sockets.has(nsp);
    }

    open() {
      if (this.#state !== "closed") return;
      clearTimeout(this.#retryTimer);
      this.#state = "opening";
      this.#decoder = new Decoder(this.#options.maxAttachments);
      // An engine that was let go of may still speak; only the present one is heard.
      const current = (handler) => (...args) => { if (this.#engine === engine) handler(...args); };
      const engine = new Engine(this.#origin, this.#options, {
        open: current(() => this.#opened()),
        message: current((data) => this.#received(data)),
        close: current((reason, error) => this.#lost(reason, error)),
      });
      this.#engine = engine;
      const { timeout } = this.#options;
      if (timeout) this.#openTimer = setTimeout(() => engine.abort("transport error", failure("timeout")), timeout);
      engine.open();
    }

    #opened() {
      clearTimeout(this.#openTimer);
      this.#state = "open";
      const attempts = this.#attempts;
      this.#attempts = 0;
      for (const socket of this.#sockets.values()) if (socket.active) socket._opened();
      this._fire("open");
      if (attempts) this._fire("reconnect", attempts);
    }

    #received(message) {
      let packet;
      try {
        packet = this.#decoder.add(message);
      } catch (error) {
        this.#engine.abort("parse error", error);
        return;
      }
      if (packet) this.#sockets.get(packet.nsp)?._received(packet);
    }

    #lost(reason, error) {
      clearTimeout(this.#openTimer);
      const wasOpen = this.#state === "open";
      this.#state = "closed";
      this.#engine = null;
      const affected = [...this.#sockets.values()].filter((socket) => socket.active);
      if (wasOpen) {
        for (const socket of affected) socket._lost(reason, error);
        this._fire("close", reason, error);
      } else {
        for (const socket of affected) socket._fire("connect_error", error);
        this._fire(this.#attempts ? "reconnect_error" : "error", error);
      }
      // Listeners may have opened it again, or have lost interest.
      if (this.#state === "closed" && this.#options.reconnection && this.#wanted()) this.#retryLater();
    }

    #wanted() {
      return [...this.#sockets.values()].some((socket) => socket.active);
    }

    #retryLater() {
      const { reconnectionAttempts, reconnectionDelay, reconnectionDelayMax, randomizationFactor } = this.#options;
      if (this.#attempts >= reconnectionAttempts) {
        this.#attempts = 0;
        this._fire("reconnect_failed");
        return;
      }
      const steady = Math.min(reconnectionDelayMax, reconnectionDelay * 2 ** this.#attempts);
      // Jitter, so that the clients of a restarted server do not all come back in the same instant.
      const jitter = steady * randomizationFactor * (2 * Math.random() - 1);
      this.#attempts += 1;
      this.#retryTimer = setTimeout(() => {
        this._fire("reconnect_attempt", this.#attempts);
        if (this.#wanted()) this.open();
      }, Math.min(reconnectionDelayMax, steady + jitter));
    }

    /** "polling" or "websocket", as long as a connection stands. */
    get transport() {
      return this.#state === "open" ? this.#engine.transport : undefined;
    }

    /** The present session: `io.engine.close()` loses the connection, as a network may at any time. */
    get engine() {
      return this._session;
    }

    // --- for its sockets ---

    /** The session, when there is one; it changes with every reconnection. */
    get _session() {
      return this.#state === "open" ? this.#engine : null;
    }

    _alive() {
      return this.#engine?.alive() ?? false;
    }

    _send(frames) {
      this.#engine?.send(frames);
    }

    /** Closes the connection when no socket needs it any more. */
    _released() {
      if (this.#wanted()) return;
      clearTimeout(this.#retryTimer);
      clearTimeout(this.#openTimer);
      this.#attempts = 0;
      const engine = this.#engine;
      const wasOpen = this.#state === "open";
      this.#engine = null;
      this.#state = "closed";
      engine?.close();
      if (wasOpen) this._fire("close", "forced close");
    }
  }

  // -- Socket: one namespace --------------------------------------------------------------------------------------
  //
  // Events: connect, connect_error (err), disconnect (reason, error), and whatever the server emits.

  class Socket extends Emitter {
    id = undefined;
    connected = false;
    recovered = false; // the server has restored the previous session: id, rooms and missed events
    #nsp; #auth;
    #active = false; // wants to be connected
    #nextId = 0;
    #acks = new Map(); // id → { done(error, args), strict, timer }
    #unsent = []; // { id, frames } emitted while not connected
    #early = []; // events of a recovered session come before its CONNECT
    #recovery = null; // { pid, offset }, when the server keeps sessions

    constructor(manager, nsp, auth) {
      super();
      this.io = manager;
      this.#nsp = nsp;
      this.#auth = auth;
    }

    get active() {
      return this.#active;
    }

    get disconnected() {
      return !this.connected;
    }

    connect() {
      if (this.#active) return this;
      this.#active = true;
      if (this.io._session) this._opened();
      else this.io.open();
      return this;
    }

    disconnect() {
      if (!this.#active) return this;
      const wasConnected = this.connected;
      if (wasConnected) this.io._send(encode(DISCONNECT, this.#nsp));
      this.#leave();
      if (wasConnected) this.#down("io client disconnect");
      return this;
    }

    /** Emits an event; a function as the last argument is called with the server's acknowledgement. */
    emit(event, ...args) {
      const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
      return this.#emit(event, args, callback && { done: (_, answer) => callback(...answer), strict: false });
    }

    /** Emits an event; resolves with the first argument of the acknowledgement. */
    emitWithAck(event, ...args) {
      return this.#promise(event, args);
    }

    send(...args) {
      return this.emit("message", ...args);
    }

    /** `timeout(ms).emit(…, (err, …answer) => …)` and `timeout(ms).emitWithAck(…)` fail without a timely answer. */
    timeout(ms) {
      return {
        emit: (event, ...args) => {
          const callback = args.pop();
          if (typeof callback !== "function") throw new TypeError("an emit with a timeout needs a callback");
          const done = (error, answer) => (error ? callback(error) : callback(null, ...answer));
          return this.#emit(event, args, { done, strict: true }, ms);
        },
        emitWithAck: (event, ...args) => this.#promise(event, args, ms),
      };
    }

    #promise(event, args, ms) {
      return new Promise((resolve, reject) => {
        const done = (error, answer) => (error ? reject(error) : resolve(answer[0]));
        this.#emit(event, args, { done, strict: true }, ms);
      });
    }

    #emit(event, args, ack, ms) {
      if (RESERVED.has(event)) throw new Error(`"${event}" is a reserved event name`);
      const id = ack && this.#nextId++;
      const frames = encode(EVENT, this.#nsp, id, [event, ...args]);
      if (ack) {
        this.#acks.set(id, ack);
        if (ms !== undefined) ack.timer = setTimeout(() => this.#expire(id), ms);
      }
      if (this.connected && this.io._alive()) this.io._send(frames);
      else this.#unsent.push({ id, frames });
      return this;
    }

    #expire(id) {
      this.#unsent = this.#unsent.filter((packet) => packet.id !== id); // nobody waits for it any more
      this.#settle(id, new Error("operation has timed out"));
    }

    #settle(id, error, answer) {
      const ack = this.#acks.get(id);
      if (!ack) return;
      this.#acks.delete(id);
      clearTimeout(ack.timer);
      guarded(ack.done, error, answer);
    }

    // --- for the manager ---

    /** The connection stands: asks to join the namespace. */
    _opened() {
      const session = this.io._session;
      const join = (auth) => {
        // An asynchronous `auth` may answer when it is too late.
        if (!this.#active || this.connected || this.io._session !== session) return;
        const data = { ...this.#recovery, ...auth };
        this.io._send(encode(CONNECT, this.#nsp, undefined, Object.keys(data).length ? data : undefined));
      };
      guarded(typeof this.#auth === "function" ? this.#auth : () => join(this.#auth), join);
    }

    _received({ type, id, data }) {
      if (!this.#active) return; // crossed our DISCONNECT
      switch (type) {
        case CONNECT: return this.connected ? undefined : this.#up(data ?? {});
        case CONNECT_ERROR: return this.connected ? undefined : this.#refused(data);
        case DISCONNECT:
          if (!this.connected) return;
          this.#leave();
          return this.#down("io server disconnect");
        case ACK: return this.#settle(id, null, data ?? []);
        default: // EVENT
          if (this.connected) return this.#deliver(data, id);
          if (this.#recovery) this.#early.push([data, id]);
      }
    }

    _lost(reason, error) {
      this.#early = [];
      if (this.connected) this.#down(reason, error);
      else if (this.#active) this._fire("connect_error", error);
    }

    // --- state changes ---

    #up({ sid, pid }) {
      if (typeof sid !== "string") return this.#refused("the server does not speak this protocol (no session id)");
      this.id = sid;
      this.connected = true;
      this.recovered = pid !== undefined && this.#recovery?.pid === pid;
      if (!this.recovered) this.#recovery = pid === undefined ? null : { pid };
      for (const [data, id] of this.#early.splice(0)) this.#deliver(data, id);
      for (const { frames } of this.#unsent.splice(0)) this.io._send(frames);
      this._fire("connect");
    }

    #refused(why) {
      this.#leave();
      const { message, data } = typeof why === "string" ? { message: why } : why;
      this._fire("connect_error", Object.assign(new Error(message), { data }));
    }

    /** Gives the namespace up; only `connect()` brings it back. */
    #leave() {
      this.#active = false;
      this.#recovery = null;
      this.#early = [];
      this.io._released();
    }

    #down(reason, error) {
      this.connected = false;
      this.id = undefined;
      // The answers to what was sent will never come; what was not sent keeps its acknowledgement.
      const unsent = new Set(this.#unsent.map((packet) => packet.id));
      for (const [id, ack] of this.#acks) {
        if (unsent.has(id)) continue;
        if (ack.strict) this.#settle(id, new Error("socket has been disconnected"));
        else this.#acks.delete(id);
      }
      this._fire("disconnect", reason, error);
    }

    #deliver(data, id) {
      const args = id === undefined ? data : [...data, this.#answer(id)];
      this._fire(...args);
      const last = data.at(-1);
      if (this.#recovery && typeof last === "string") this.#recovery.offset = last;
    }

    /** The function with which a listener acknowledges: once, and only to the session that asked. */
    #answer(id) {
      const asker = this.id;
      let answered = false;
      return (...args) => {
        if (answered || this.id !== asker) return;
        answered = true;
        this.io._send(encode(ACK, this.#nsp, id, args));
      };
    }
  }

  // -- siomio(uri, options) ---------------------------------------------------------------------------------------

  const managers = new Map();

  /** Splits "[scheme:][//host]/namespace[?query]"; what is missing comes from the page. */
  function locate(uri) {
    const page = globalThis.location;
    const parts = /^(?:(https?|wss?):)?(?:\/\/([^/?#]+))?(\/[^?#]*)?(?:\?([^#]*))?/.exec(uri);
    const [whole, scheme = page?.protocol.slice(0, -1) ?? "https", host = page?.host, nsp = "/", query] = parts;
    if (whole.length === 0 && uri) return locate(`//${uri}`); // a bare "host:port"
    if (!host) throw new TypeError("outside of a page the address must name a host");
    const origin = `${scheme.replace(/^ws/, "http")}://${host}`;
    return { origin, nsp, query: Object.fromEntries(new URLSearchParams(query)) };
  }

  /**
   * The socket of a namespace: `siomio()`, `siomio("/chat")`, `siomio("https://host:port/chat?key=value", options)`.
   * Sockets with the same origin, path, query and transports share one connection, unless `forceNew` is set or the
   * namespace is in use there already. With `autoConnect: false` it waits for `connect()`.
   */
  function siomio(uri, options = {}) {
    if (isObject(uri)) [uri, options] = ["", uri];
    const { origin, nsp, query } = locate(uri ?? "");
    const { auth, autoConnect = true, forceNew = false, ...rest } = options;
    const settings = { ...DEFAULTS, ...rest, query: { ...query, ...rest.query } };
    const key = JSON.stringify([origin, settings.path, settings.query, settings.transports]);
    let manager = managers.get(key);
    if (forceNew || manager?.has(nsp)) manager = new Manager(origin, settings);
    else if (!manager) managers.set(key, (manager = new Manager(origin, settings)));
    const socket = manager.socket(nsp, { auth });
    return autoConnect ? socket.connect() : socket;
  }

  Object.assign(siomio, { connect: siomio, Manager, Socket, protocol: 5 });

  if (typeof module === "object" && module.exports) module.exports = siomio;
  else globalThis.siomio = siomio;
})();
