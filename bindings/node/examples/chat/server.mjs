// A chat room: node server.mjs [PORT]. Open it in two or three windows; a Room holds two people, so the third one makes
// another Room.
import fs from 'node:fs';
import { Response, serve } from 'libdog';
import { Lobby } from './lobby.mjs';

const page = fs.readFileSync(new URL('page.html', import.meta.url));

const engine = serve({
  port: Number(process.argv[2] ?? 8787),
  routes: {
    '/ws': [Lobby, 'lobby'],
    '/broadcast': [Lobby, 'lobby'],
    '/emit': [Lobby, 'lobby'],
    '/whisper': [Lobby, 'lobby'],
  },
  fetch(request) {
    if (request.path !== '/') return new Response('Not found\n', { status: 404 });
    return new Response(page, { headers: { 'Content-Type': 'text/html; charset=utf-8' } });
  },
  log: (level, line) => console.error(`${level}: ${line}`),
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => engine.stop(1000));
console.log(`The chat is on http://127.0.0.1:${engine.port}`);
