"""Call 2: stage A (folds 0-2, screen), then stage B (folds 3-7: confirm what stage A chose, with its controls)."""
import json, os, sys, time, collections, numpy as np, multiprocessing as mp
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))); import crsd
H = crsd.HERE
def main():
    t0 = time.time(); OUT = os.environ['OUT']; TOT, TB = float(sys.argv[2]), float(sys.argv[3]); P, S = int(sys.argv[4]), int(sys.argv[5]); A = json.load(open(sys.argv[1])); n = [0]
    def num(cs):
        for c in cs: c['cid'] = n[0]; n[0] += 1
        return cs
    mp.set_start_method('spawn'); q = mp.Queue(); closed = mp.Event(); bs = crsd.bundles(num(A), 6); [q.put(b) for b in bs]; print('A', len(A), 'cells', len(bs), 'bundles', flush=True)
    ps = [mp.Process(target=crsd.worker, args=(w, q, S, t0 + TOT, OUT, closed)) for w in range(P)]; [p.start() for p in ps]
    def res():
        r = []
        for w in range(P):
            try:
                for l in open(f'{OUT}/res{w}.jsonl'):
                    try: r.append(json.loads(l))
                    except Exception: pass
            except FileNotFoundError: pass
        return r
    while time.time() - t0 < TB and len(res()) < len(A) - 2: time.sleep(.5)
    drained = 0
    while True:
        try: q.get(timeout=.3); drained += 1
        except Exception: break
    R = [r for r in res() if 'error' not in r]; print(f'stage A: {len(R)} results, {drained} bundles dropped at {time.time() - t0:.0f} s', flush=True)
    bl = {}
    G = collections.defaultdict(dict)
    for r in R: G[(r['cell']['data'], r['cell']['name'])][r['cell']['seed']] = r
    def mean(k, met='f1'): return np.mean([v[met] for v in G[k].values()]) if G.get(k) else -1
    def pick(data, pre, top, base, met=lambda v: v['f1']):
        o = []
        for (dd, nm), v in G.items():
            if dd != data or not nm.startswith(pre) or len(v) < 3: continue
            o.append((np.mean([met(x) for x in v.values()]), nm))
        o.sort(reverse=True); return [nm for _, nm in o[:top]]
    spec = {}
    for c in A: spec[(c.get('data', 'n'), c['name'])] = {k: v for k, v in c.items() if k not in ('seed', 'diag', 'cid')}
    for (dd, nm), v in sorted(G.items(), key=lambda x: -np.mean([y['f1'] for y in x[1].values()])): print(dd, nm, len(v), round(100 * np.mean([y['f1'] for y in v.values()]), 2), round(100 * np.mean([y['acc'] for y in v.values()]), 2), flush=True)
    cn = pick('n', 'c', 4, None); bn = pick('n', 'b:ce', 1, None) or ['b:ce3']; tw = pick('n', 'b:two', 1, None); rd = pick('n', 'b:rd', 1, None)
    ce = pick('e', 'c', 2, None, lambda v: v['f1'] + .5 * v['ndcg']); print('chosen', cn, bn, tw, rd, ce, flush=True)
    names = [('n', bn[0])] + [('n', x) for x in cn[:2]] + [('n', x) for x in tw] + [('n', x) for x in cn[2:]] + [('n', x) for x in rd]; cfg = [spec[k] for k in names if k in spec]
    ctl = [dict(spec[('n', x)], reason='shuf', nr=1, name=x + '~shuf') for x in cn[:2]] + [dict(spec[('n', x)], reason='label', nr=1, name=x + '~label') for x in cn[:1]]
    ec = [spec[k] for k in [('e', 'b:ce')] + [('e', x) for x in ce] + [('e', 'b:two')] + [('e', 'b:soft')] if k in spec]; ectl = [dict(spec[('e', x)], reason='shuf', name=x + '~shuf') for x in ce[:1]]
    B = []
    for i, sd in enumerate((3, 4, 5, 6, 7)):
        for c in cfg + (ctl if i < 3 else []): B.append(dict(c, seed=sd))
        if i < 3:
            for c in ec + ectl: B.append(dict(c, seed=sd))
    for sd in (6, 7):
        for c in ctl: B.append(dict(c, seed=sd))
    num(B); bs = crsd.bundles(B, 3); [q.put(b) for b in bs]; print('B', len(B), 'cells', len(bs), 'bundles', flush=True); closed.set()
    while any(p.is_alive() for p in ps) and time.time() - t0 < TOT + 14: time.sleep(.3)
    [p.terminate() for p in ps if p.is_alive()]; R = res(); print('results', len(R), 'errors', sum('error' in r for r in R), 'time', round(time.time() - t0), flush=True)
    for r in R:
        if 'error' in r: print('ERR', json.dumps(r['cell'])[:200], r['error'][-250:].replace('\n', ' | '), flush=True)
    q.cancel_join_thread(); os._exit(0)
if __name__ == '__main__': main()
