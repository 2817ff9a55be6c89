// fanout-ws PORT: each message goes to everybody, its sender too, by the package ws as its documentation does it.
import { serveWs } from './hosts.mjs';

const server = serveWs();
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    for (const client of server.clients) {
      if (client.readyState === 1) client.send(data, { binary: isBinary });
    }
  });
});
