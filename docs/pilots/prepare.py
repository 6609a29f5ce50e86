"""Tokenises the two data sets (train + dev part only; the e-SNLI test part and ESCI test.jsonl are never written) and packs MiniLM in f16 with the used vocabulary only."""
import json, hashlib, struct, re, unicodedata, numpy as np
from tokenizers import Tokenizer
from safetensors.numpy import load_file
import sys
D, M, OUT = (folder.rstrip('/') + '/' for folder in sys.argv[1:4])  # data sets, all-MiniLM-L6-v2, where the packed arrays go
tok = Tokenizer.from_file(M + 'tokenizer.json'); tok.no_truncation(); tok.no_padding()
def fold(t): return ' '.join(unicodedata.normalize('NFKC', unicodedata.normalize('NFKC', t).lower()).split())
def norm(t):
    n = fold(t)
    while (a := fold(n)) != n: n = a
    return n
def unit_hash(seed, text):  # relevance_data::split::unit_hash
    d = hashlib.sha256(struct.pack('<Q', seed) + text.encode()).digest()
    return (int.from_bytes(d[:8], 'little') >> 11) / (1 << 53)
def enc(t): return tok.encode(t, add_special_tokens=False).ids
def rd(f): return [json.loads(l) for l in open(f)]
out = {}; used = {0, 100, 101, 102, 103}
def add(name, rows):
    flat = [x for r in rows for x in r]; used.update(flat)
    out[name] = np.array(flat, np.int32); out[name + '_n'] = np.array([len(r) for r in rows], np.int32)
SEED = 1
# e-SNLI
E = rd(D + 'esnli/annotations.jsonl'); R = {r['id']: r['reasons'] for r in rd(D + 'esnli/reasons.jsonl')}
pt = np.array([unit_hash(SEED, norm(e['query']['text'])) for e in E])
json.dump({'seed': SEED, 'rule': 'QuerySplit([0.7,0.1,0.2], seed 1): test = unit_hash >= 0.8', 'test_items': [e['item']['id'] for e, p in zip(E, pt) if p >= 0.8]}, open(OUT + 'esnli_test_items.json', 'w'))
keep = [i for i in range(len(E)) if pt[i] < 0.8]; L = ['Entailment', 'Neutral', 'Contradiction']
print('esnli', len(E), 'kept', len(keep))
add('n_q', [enc(E[i]['query']['text']) for i in keep]); add('n_i', [enc(E[i]['item']['title']) for i in keep])
add('n_r', [enc(x) for i in keep for x in (R[E[i]['item']['id']] + [E[i]['rationale']] * 3)[:3]])
out['n_y'] = np.array([L.index(E[i]['gold']) for i in keep]); out['n_h'] = pt[keep]
qs = {}; out['n_g'] = np.array([qs.setdefault(norm(E[i]['query']['text']), len(qs)) for i in keep])
add('n_l', [enc(x) for x in ['entailment', 'neutral', 'contradiction']])
leak = [w for i in keep for w in E[i]['rationale'].split() if re.match('entail|neutral|contradict', w)]; print('label words in first reasons', len(leak), len(keep))
# ESCI
T = rd(D + 'esci-reasons/train.jsonl'); L = ['Exact', 'Substitute', 'Complement', 'Irrelevant']
pt = np.array([unit_hash(SEED, norm(e['query']['text'])) for e in T])
def text(it): return '\n'.join(x for x in (it.get(k, '').strip() for k in ['title', 'brand', 'color', 'bullet_points', 'description']) if x)
add('e_q', [enc(e['query']['text']) for e in T]); add('e_i', [enc(text(e['item']))[:128] for e in T]); add('e_r', [enc(e['rationale']) for e in T])
out['e_y'] = np.array([L.index(e['gold']) for e in T]); out['e_ty'] = np.array([L.index(e['label']) for e in T]); out['e_h'] = pt
out['e_p'] = np.array([[e['probabilities'][k] for k in L] for e in T], np.float32)
qs = {}; out['e_g'] = np.array([qs.setdefault(norm(e['query']['text']), len(qs)) for e in T])
add('e_l', [enc(x) for x in ['exact', 'substitute', 'complement', 'irrelevant']])
from sklearn.metrics import f1_score
print('teacher on train gold: acc', (out['e_y'] == out['e_ty']).mean(), 'mF1', f1_score(out['e_y'], out['e_ty'], average='macro'))
# vocabulary
vocab = np.array(sorted(used)); inv = np.full(30522, -1, np.int32); inv[vocab] = np.arange(len(vocab))
for k in list(out):
    if k + '_n' in out:
        out[k] = inv[out[k]].astype(np.uint16)
        print(k, len(out[k + '_n']), 'len mean/50/90/95/99/max', out[k + '_n'].mean().round(1), np.percentile(out[k + '_n'], [50, 90, 95, 99, 100]))
out['special'] = inv[[0, 101, 102, 103]]  # PAD CLS SEP MASK
strs = [tok.id_to_token(int(v)) for v in vocab]
stop = set('a an the is are was were be been being of in on at to for and or but if then that this these those it its it\'s as by with from not no do does did so can could may might must will would there their they he she his her him one two you we i who which what when where because just mean means s t . , ; : \' " ! ? - ( ) / sentence someone something person people'.split())
out['stop'] = np.array([1 if (s in stop or s.startswith('[')) else 0 for s in strs], np.uint8)
print('vocab', len(vocab))
W = load_file(M + 'model.safetensors'); W = {k: v for k, v in W.items() if 'position_ids' not in k}
W['embeddings.word_embeddings.weight'] = W['embeddings.word_embeddings.weight'][vocab]
W['embeddings.position_embeddings.weight'] = W['embeddings.position_embeddings.weight'][:200]
print(sorted(W)[:25], sum(v.size for v in W.values()))
np.savez_compressed(OUT + 'data.npz', **out)
np.savez(OUT + 'w.npz', **{k: v.astype(np.float16) for k, v in W.items()})
