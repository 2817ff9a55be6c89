// The same module for `import`: one copy of the classes, however it is loaded.
import dog from './lib/index.js';

export const { DogError, Engine, Gateway, Response, Shard, serve, version } = dog;
export default dog;
