// What the four hosts share: a server on the port given, on any path, that says so once it listens.
import { Gateway, serve } from 'libdog';
import { createRequire } from 'node:module';

export const port = Number(process.argv[2] ?? 0);

/** Serves one Shard class, all connections on one Shard. */
export function serveDog(child) {
  class Everybody extends Gateway {
    limit = 1_000_000;
    child = child;

    identify() {
      return 'load';
    }
  }
  const workers = Number(process.env.WORKERS ?? 1);
  const engine = serve({ port, workers, routes: { '/': [Everybody, 'all'] } });
  process.once('SIGTERM', () => engine.stop(100));
  console.log(`listening on ${engine.port}`);
}

/** The package ws; Debian's node-ws is where no other Node looks. */
function loadWs() {
  const require = createRequire(import.meta.url);
  try {
    return require('ws');
  } catch {
    return require('/usr/share/nodejs/ws');
  }
}

export function serveWs() {
  const { WebSocketServer } = loadWs();
  const server = new WebSocketServer({ port, host: '127.0.0.1', perMessageDeflate: false });
  process.once('SIGTERM', () => process.exit());
  server.on('listening', () => console.log(`listening on ${server.address().port}`));
  return server;
}
