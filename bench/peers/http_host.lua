-- What the two hosts on lua-http share: a server that upgrades every request and runs `serve(socket)` for it.
local http_server = require "http.server"
local websocket = require "http.websocket"

return function(serve)
  local server = assert(http_server.listen {
    host = "127.0.0.1",
    port = tonumber(arg[1]),
    tls = false,
    max_concurrent = math.huge,
    onstream = function(_, stream)
      local socket = websocket.new_from_stream(stream, assert(stream:get_headers()))
      if socket and socket:accept() then serve(socket) end
    end,
    onerror = function() end, -- a client that has left
  })
  assert(server:listen())
  local _, _, port = server:localname()
  io.write("listening on ", port, "\n")
  io.flush()
  assert(server:loop())
end
