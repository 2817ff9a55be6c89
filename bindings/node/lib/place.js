'use strict';
// Where a promise came from: which handler of which object. One is made for each pending promise, so it is put into
// words only for a report.

const { Gateway } = require('./gateway.js');
const { Shard } = require('./shard.js');

function nameOf(owner, name) {
  return owner instanceof Gateway || owner instanceof Shard ? `${owner.constructor.name}.${name}` : name;
}

class Place {
  /** Its neighbours in the list of pending promises (handlers.js). */
  before = undefined;
  behind = undefined;

  /** `about` is a request, a Gateway, a Shard or a socket; with `isAnswer` nobody needs the result once the engine has
   * ended. */
  constructor(owner, name, about, isAnswer) {
    this.owner = owner;
    this.name = name;
    this.about = about;
    this.isAnswer = isAnswer;
  }

  /** As a hook for failures gets it. */
  where() {
    const { owner, name, about } = this;
    const handler = nameOf(owner, name);
    if (about instanceof Gateway) return { handler, gateway: about };
    if (about instanceof Shard) return { handler, shard: about };
    if (about?.shard !== undefined) return { handler, shard: about.shard, socket: about };
    return { handler, request: about };
  }
}

module.exports = { Place, nameOf };
