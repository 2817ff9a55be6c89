// echo-ws PORT: each message goes back to its sender, by the package ws.
import { serveWs } from './hosts.mjs';

serveWs().on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
