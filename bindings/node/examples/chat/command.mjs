// What somebody typed: words for all, or a slash command.
//
//   /w NAME words, /msg NAME words     to NAME alone
//   /g words, /group words             to the people of the same Room
//   /a words, /all words, words        to everybody

const COMMAND = /^\/(w|msg|g|group|a|all)\s+(.*)$/s;
const VERBS = { w: 'whisper', msg: 'whisper', g: 'group', group: 'group', a: 'all', all: 'all' };

/** { verb: 'all', 'group' or 'whisper', to: of a whisper, text } */
export function parseCommand(line) {
  const [, word, rest] = COMMAND.exec(line) ?? [undefined, 'all', line];
  const verb = VERBS[word];
  if (verb !== 'whisper') return { verb, text: rest };
  const [, to, text] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [undefined, '', ''];
  return { verb, to, text };
}
