// node's `osc`: sends what it reads as JSON lines, [address, tags, value…], and prints what it hears in the same form.
"use strict";
const osc = require("osc");
const [host, port] = ["127.0.0.1", Number(process.argv[2])];
const socket = new osc.UDPPort({ localAddress: host, localPort: 0, remoteAddress: host, remotePort: port, metadata: true });

socket.on("message", (message) => {
  const values = message.args.map((argument) => argument.value);
  console.log(JSON.stringify([message.address, message.args.map((argument) => argument.type).join(""), ...values]));
});
socket.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
socket.on("ready", () => {
  console.log(JSON.stringify(["ready", ""]));
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [address, tags, ...values] = JSON.parse(line);
    socket.send({ address, args: values.map((value, index) => ({ type: tags[index], value })) });
  }).on("close", () => process.exit(0));
});
socket.open();
