--[[
chat - a chat room for each path.

  luajit chat.lua [PORT]                      8787; 0 for a free one
  ws://127.0.0.1:8787/rooms/den?u=ann         what ann says goes to everybody in the den, herself too: "ann: hello"
                                              "/w bob psst" goes to bob alone, however many sockets he has
  curl http://127.0.0.1:8787/rooms/den        how many people are in the den, asked of all its Shards

Ctrl-C or SIGTERM closes every socket with 1001 and gives the clients two seconds.
]]
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../?.lua;" .. package.path
local dog = require "dog"

-- A room is a Gateway. Its people are on Shards of at most 100 each; nobody in it notices.
local Room = dog.gateway("Room", { child = "Seats", limit = 100 })

function Room:identify(request)
  local name = request:query "u"
  if name == nil or name == "" then return "anon" end
  -- A uid that is none would be the program's mistake, and a 500. This is the client's.
  if #name > 64 or name:find "[%c%s]" then return 400, "u is no name\n" end
  return name
end

local Seats = dog.shard("Seats", { parent = "Room" })

function Seats:receive(request)
  if request:header "upgrade" then return self:connect(request) end
  local people = self:count()
  for _, answer in ipairs(self:gossip "how many?") do people = people + (tonumber(answer.data) or 0) end
  return 200, "people: " .. people .. "\n", { ["Content-Type"] = "text/plain" }
end

function Seats:ongossip() return self:count() end

function Seats:onopen(socket) self:broadcast(socket.uid .. " has joined") end

function Seats:onmessage(socket, data, kind)
  if kind == "binary" then return self:broadcast(data, "binary") end
  local uid, secret = data:match "^/w (%S+) (.+)$"
  if not uid then return self:broadcast(socket.uid .. ": " .. data) end
  local reached = socket:whisper(uid, socket.uid .. " whispers: " .. secret)
  if reached == 0 then socket:send(uid .. " is not here") end
end

function Seats:onclose(socket) self:broadcast(socket.uid .. " has left") end

local engine = dog.engine()
engine:define(Room, Seats):route("/rooms/:name", Room)
local port = engine:listen { port = tonumber(arg[1] or 8787) }
engine:stop_on_signals(2000)
engine:start()
print("listening on http://127.0.0.1:" .. port)
io.flush()
engine:run()
