--[[
What somebody typed: words for all, or a slash command.

  /w NAME words, /msg NAME words     to NAME alone
  /g words, /group words             to the people of the same Room
  /a words, /all words, words        to everybody
]]
local VERBS = { w = "whisper", msg = "whisper", g = "group", group = "group", a = "all", all = "all" }

-- The verb, the words, and of a whisper to whom.
return function(line)
  local word, rest = line:match "^/(%l+)%s+(.*)$"
  local verb = word and VERBS[word]
  if not verb then return "all", line end
  if verb ~= "whisper" then return verb, rest end
  local to, words = rest:match "^(%S+)%s*(.*)$"
  return verb, words or "", to
end
