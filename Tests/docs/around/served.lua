local dog = require "dog"

local Room = dog.gateway("Room", { child = "Seats", limit = 2 })
function Room:identify(request) return request:query "u" or "anon" end

local Seats = dog.shard("Seats", { parent = "Room" })
function Seats:receive(request) return self:connect(request) end
function Seats:onmessage(socket, data, kind) socket:broadcast(data, kind) end

@@
