import * as wall from './wall.mjs'; import { percentile } from './age.mjs';
for (let i=0;i<4;i++){ const r = await wall.onCanvas({ cameras: 1, fps: 30, viewers: 1 }, 6); console.log(percentile(r.seen,.5).toFixed(1), percentile(r.seen,.99).toFixed(1), r.drawn); }
process.exit(0)
