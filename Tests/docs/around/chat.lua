local dog = require "dog"

local Room = dog.gateway("Room", { child = "Seats", limit = 2 })
function Room:identify(request) return request:query "u" or "anon" end

local Seats = dog.shard("Seats", { parent = "Room" })
function Seats:receive(request)
  if request:header "upgrade" then return self:connect(request) end
  return 200, "a plain request"
end
function Seats:onmessage(socket, data, kind) socket:broadcast(data, kind) end

local engine = dog.engine()

@@

engine:define(Room, Seats):route("/rooms/:name", Room)
engine:listen(8787)
engine:run()
