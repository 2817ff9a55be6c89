--[[
A chat room: luajit server.lua [PORT], then open it in two or three windows. A Room holds two people, so the third one
makes another Room. Ctrl-C or SIGTERM closes every socket with 1001 and gives the clients two seconds.
]]
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = ("%s/?.lua;%s/../../?.lua;%s"):format(here, here, package.path)
local dog = require "dog"
dog.json = require "json" -- tables are sent as JSON from here on
local Room = require "room"

-- The Gateway: who somebody is, and how many fit into a Room.
local Lobby = dog.gateway("Lobby", { child = "Room", limit = 2 })

-- The name is taken at its word; a real program would look at a cookie or a token here.
function Lobby:identify(request)
  if request:method() ~= "GET" then return 405, "Method not allowed\n", { Allow = "GET" } end
  local name = request:query "u" or ""
  if #name > 64 or name:find "%c" then return 400, "u is no name\n" end
  return name == "" and "anon" or name
end

-- The page is that of the same chat in Node, which it speaks to as well.
local function read_page()
  local file = io.open(here .. "/../../../node/examples/chat/page.html", "rb")
  if not file then return "The page is in bindings/node/examples/chat.\n" end
  local text = file:read "*a"
  file:close()
  return text
end

local page = read_page()

local engine = dog.engine()
engine:define(Lobby, Room)
for _, path in ipairs { "/ws", "/broadcast", "/emit", "/whisper" } do engine:route(path, Lobby, "lobby") end
engine:on_fetch(function(request)
  if request:path() ~= "/" then return 404, "Not found\n" end
  return 200, page, { ["Content-Type"] = "text/html; charset=utf-8" }
end)
local port = engine:listen { port = tonumber(arg[1] or 8787) }
engine:stop_on_signals(2000)
engine:start()
print("The chat is on http://127.0.0.1:" .. port)
io.flush()
engine:run()
