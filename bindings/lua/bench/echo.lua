-- echo - a bench host: any path is a WebSocket, and what comes goes back as it came.
--
--   luajit echo.lua PORT [WORKERS]     0: a free port; prints `listening on PORT` once it serves
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../?.lua;" .. package.path
local dog = require "dog"

local Gateway = dog.gateway("Echo", { child = "EchoShard", limit = 1000000, sticky_seconds = 0 })
function Gateway:identify(request) return request:remote() end

local Shard = dog.shard("EchoShard", { parent = "Echo" })
function Shard:receive(request) return self:connect(request) end
function Shard:onmessage(socket, data, kind) socket:send(data, kind) end

local engine = dog.engine { workers = tonumber(arg[2]) or 1 }
engine:define(Gateway, Shard)
engine:on_fetch(function(request) return Gateway, request:path() end)
local port = engine:listen(tonumber(arg[1]))
engine:stop_on_signals(0)
engine:start()
io.write("listening on ", port, "\n")
io.flush()
engine:run()
