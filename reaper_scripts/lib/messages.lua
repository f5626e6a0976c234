-- @noindex
-- What the scripts say, in one place, one sentence each.

local messages = {}

messages.title = "daw_bridge"

messages.unsaved_project = "Save the project first, so that the remix has a folder to go to."
messages.no_item = "Select one audio item, the one to remix (and, if you like, a second one as its style)."
messages.too_many_items = "Select one item to remix and at most one more as its style; %d are selected."
messages.no_style = "No style was chosen, so nothing was asked for."
messages.style_missing = "The style file %s cannot be read."
messages.empty_item = "The %s item is empty: choose one that holds audio."
messages.midi = "The %s item is MIDI, which has no sound of its own: render or freeze it to audio first."
messages.not_audio = "The %s item holds %s, not an audio file: render it to audio first."
messages.no_file = "The %s item has no media file: glue it first (Item: Glue items)."
messages.offline = "The media of the %s item is offline or missing: %s."
messages.section = "The content item is reversed or a section of its source: glue it first (Item: Glue items)."
messages.stretched = "The content item has stretch markers: glue it first (Item: Glue items)."
messages.looped = "The content item repeats its source: glue it first (Item: Glue items)."
messages.nothing_shown = "The content item shows no part of its media file."
messages.register = "daw_bridge will keep its remixes in this project's folder:\n\n%s\n\nGo on?"
messages.ticket_failed = "The request could not be written: %s."
messages.waiting = "daw_bridge: the service has not taken the request for '%s' yet; it waits, and is rendered as soon as"
  .. " you start `daw-bridge serve`.\n"
messages.asked = "daw_bridge: remix of '%s' asked for (preset %s).\n"
messages.landed = "daw_bridge: the remix of '%s' is in the project.\n"
messages.failed = "The remix of '%s' failed: %s"
messages.cancelled = "The remix of '%s' was cancelled."
messages.result_unreadable = "The answer about '%s' cannot be read: %s."
messages.result_missing = "The remix of '%s' was rendered, but its file is not there: %s."
messages.copy_failed = "The remix of '%s' could not be copied into the project's media folder: %s. It is kept at %s."
messages.import_failed = "The remix of '%s' could not be put into the project (%s): insert it from %s."
messages.defect = "daw_bridge: this is a defect of the script, please report it: %s\n"

--- One sentence, or two where there is a hint, from the error of a result ticket.
-- @param problem table of code, message and hint, or nil
function messages.of_error(problem)
  local said = problem and (problem.message or problem.code) or "the service gave no reason"
  local sentence = (tostring(said):gsub("%s+", " "):gsub("[%s.]+$", "")) .. "."
  local hint = problem and problem.hint or ""
  return hint == "" and sentence or sentence .. " " .. tostring(hint):gsub("%s+", " ")
end

return messages
