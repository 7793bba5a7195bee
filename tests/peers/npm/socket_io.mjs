// Follows one device with socket.io-client 2 (https://github.com/socketio/socket.io-client):
//     node socket_io.mjs http://HOST:PORT DEVICE TRANSPORT[,TRANSPORT]
// Prints each thing that happens as a line of JSON: ["connect"], ["upgrade"], [EVENT, ARGUMENT]. It goes on until it is
// killed; a connection that ends is the line ["disconnect", REASON].
import io from "socket.io-client";

const [url, device, transports] = process.argv.slice(2);

const print = (...line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const socket = io(url, { transports: transports.split(","), reconnection: false });
const events = ["data", "status", device, `data_${device}`, `status_${device}`];
socket.on("connect", () => {
  print("connect");
  socket.io.engine.on("upgrade", () => print("upgrade"));
  // What clients say is ignored, also when they want it acknowledged.
  socket.emit("hello", { from: "client" }, () => print("acknowledged"));
});
socket.on("connect_error", (error) => print("connect_error", String(error)));
socket.on("disconnect", (reason) => print("disconnect", reason));
for (const event of events) {
  socket.on(event, (argument) => print(event, argument));
}

const other = io(`${url}/other`, { transports: transports.split(","), reconnection: false });
other.on("error", (message) => print("other", message));
