// A client on the ws library, for tests. It is told by one JSON argument what to send; it prints each message that
// comes, one a line, and the close code.
//
//   url, headers     the handshake
//   hello            sent when the connection stands
//   ready, last      what names the messages after which sound is sent, and after which the connection is closed
//   sound            a file; piece: bytes a message, or 0 for whatever the file's stream gives
//   encoded          whether sound is base64 in JSON
//   pause_ms         between two pieces
//   goodbye          sent after the sound

const { createReadStream } = require("fs");
const WebSocket = require("ws");

const plan = JSON.parse(process.argv[2]);
const socket = new WebSocket(plan.url, { headers: plan.headers });
const name = (message) => (message.header ? message.header.event : message.type);
const say = (message) => socket.send(JSON.stringify(message));

function sendSound() {
  const sound = createReadStream(plan.sound, plan.piece ? { highWaterMark: plan.piece } : {});
  sound.on("data", (piece) => {
    if (plan.encoded) say({ event_id: `event_${Date.now()}`, type: "input_audio_buffer.append", audio: piece.toString("base64") });
    else socket.send(piece);
    sound.pause();
    setTimeout(() => sound.resume(), plan.pause_ms);
  });
  sound.on("end", () => plan.goodbye.forEach(say));
}

socket.on("open", () => say(plan.hello));
socket.on("message", (data) => {
  console.log(data.toString());
  const event = name(JSON.parse(data));
  if (event === plan.ready) sendSound();
  if (event === plan.last) socket.close(1000, "done");
});
socket.on("close", (code) => console.log(JSON.stringify({ closed: code })));
socket.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
