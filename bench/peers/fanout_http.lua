-- fanout_http PORT: each message goes to everybody, its sender included, by lua-http.
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path

local everybody = {}

require "http_host" (function(socket)
  everybody[socket] = true
  for data, kind in socket:each() do
    for each in pairs(everybody) do each:send(data, kind) end
  end
  everybody[socket] = nil
end)
