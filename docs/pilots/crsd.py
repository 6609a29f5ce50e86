"""CRSD pilots: many short trainings on one GPU. One process = several slots, each slot = one CUDA graph of a whole
training step on its own stream; knobs, batches and weights are device tables, so a graph serves many cells."""
import os, sys, json, time, math, gc, traceback, numpy as np, torch, torch.nn.functional as F
CUDA = torch.cuda.is_available(); DEV = 'cuda' if CUDA else 'cpu'; HERE = os.path.dirname(os.path.abspath(__file__))
TINY = bool(os.environ.get('TINY')); NL = 2 if TINY else 6; H = 384; NH = 12; MAXS = 2200; SHM = os.environ.get('SHM', '/dev/shm')
torch.set_num_threads(1)
if CUDA: torch.backends.cuda.matmul.allow_tf32 = True; torch.backends.cuda.enable_cudnn_sdp(False); torch.backends.cuda.enable_flash_sdp(False)
GAIN = np.array([1.0, .1, .01, 0.])

DEF = dict(data='n', seed=0, fold=None, ep=1.0, B=32, lr=1e-4, wd=.01, warm=.1, clip=1., pool='cls', dt='bf16', drop=.1, Ls=None, Lr=None,
  reason='own', nr=1, group=0, half=None, ntrain=None, lab='gold', sched=None, sf=.4,
  ce_s=1., ce_t=0., ce_r=0., ce_c=0., eps=0., cw=0., la=0., rmask=None,
  align=None, lam=1., tau=.05, sym=0, det=0, cf=None, cfdet=0, masklab=0, head=0, lamwarm=.1,
  ra=0., ra_tau=.05, ra_kind='live', ra_hard=0, ra_head=1, match=0.,
  kd=0., kdT=1., kdmode='st', kdt=0., lrkd=0., lrkd_kind='cos', keep=0, bow=0., bowc=1, mlm=0., tag=0.,
  rdrop=0., soft=0., softsrc='teacher', softboth=0, mmse=0., lw=0., lwT=.2, gsrc='teacher', ema=0., diag=0, name='', cid=-1)
STATIC = ['data', 'B', 'clip', 'pool', 'dt', 'drop', 'Ls', 'Lr', 'rmask', 'align', 'sym', 'det', 'cf', 'cfdet', 'masklab', 'head', 'ra_kind', 'ra_hard', 'ra_head', 'kdmode', 'lrkd_kind', 'keep', 'bowc', 'softboth', 'wd', 'ema']
TERMS = ['ce_s', 'ce_t', 'ce_r', 'ce_c', 'align', 'ra', 'match', 'kd', 'kdt', 'lrkd', 'bow', 'mlm', 'tag', 'rdrop', 'soft', 'mmse', 'lw']
KN = ['tau', 'ra_tau', 'kdT', 'eps', 'lwT']
def full(c):
    d = dict(DEF); assert set(c) <= set(d), set(c) - set(d); d.update(c)
    d['fold'] = d['seed'] if d['fold'] is None else d['fold']
    d['Ls'] = d['Ls'] or (48 if d['data'] == 'n' else 64); d['Lr'] = d['Lr'] or (80 if d['data'] == 'n' else 128)
    return d
def active(d): return tuple(t for t in TERMS if (d['align'] and d['lam'] > 0 if t == 'align' else (d['ce_s'] > 0 if t == 'ce_s' else (d[t] > 0 or (t == 'ce_t' and d['sched'] is not None)))))
def key(d): return tuple(str('x' if k == 'rmask' and d[k] not in (None, 'u') else d[k]) for k in STATIC) + active(d)

class Data:
    def __init__(s, name, Ls, Lr, Z, base):
        g = lambda k: Z[name + '_' + k]; s.name = name; s.K = 3 if name == 'n' else 4; s.y = g('y'); s.h = g('h'); s.g = g('g'); s.N = len(s.y); s.nr = 3 if name == 'n' else 1
        s.ty = s.y if name == 'n' else g('ty'); s.P = np.eye(3, dtype=np.float32)[s.y] if name == 'n' else g('p'); s.P = s.P / s.P.sum(1, keepdims=True)
        PAD, CLS, SEP, MASK = map(int, Z['special']); s.MASK = MASK; s.PAD = PAD; s.CLS = CLS; s.Ls, s.Lr = Ls, Lr; s.Lra = 32 if name == 'n' else 64
        sp = lambda k: np.split(g(k).astype(np.int64), np.cumsum(g(k + '_n'))[:-1]); q, it, r, lw = sp('q'), sp('i'), sp('r'), sp('l')
        S = np.full((s.N, Lr), PAD); SG = np.zeros((s.N, Lr), np.int64); sl = np.zeros(s.N, np.int64)
        for i in range(s.N):
            a = [CLS, *q[i][:Ls // 2 + 8], SEP]; b = [*it[i][:Ls - len(a) - 1], SEP]; x = a + b; S[i, :len(x)] = x; SG[i, len(a):] = 1; sl[i] = len(x)
        SG[:] = np.where(np.arange(Lr)[None] >= sl[:, None], 1, SG)
        RR = r + lw; Rt = np.full((len(RR), s.Lra), PAD); rl = np.zeros(len(RR), np.int64)
        for i, x in enumerate(RR): x = [*x[:s.Lra - 2], SEP]; Rt[i, :len(x)] = x; rl[i] = len(x)
        s.vs = np.unique(np.concatenate([S.ravel(), Rt.ravel(), [PAD, CLS, SEP, MASK]])); inv = np.zeros(int(s.vs.max()) + 1, np.int64); inv[s.vs] = np.arange(len(s.vs)); S = inv[S]; Rt = inv[Rt]; s.MASK, s.PAD, s.CLS, s.SEP = int(inv[MASK]), int(inv[PAD]), int(inv[CLS]), int(inv[SEP]); PAD = s.PAD; V = len(s.vs)
        s.W = dict(base); s.W['embeddings.word_embeddings.weight'] = base['embeddings.word_embeddings.weight'][torch.as_tensor(s.vs)]; s.V = V
        s.NR = len(r); t = lambda a: torch.as_tensor(a, device=DEV)
        s.S, s.SG, s.sl, s.R, s.rl, s.Y, s.TY, s.G, s.PT = t(S), t(SG), t(sl), t(Rt), t(rl), t(s.y), t(s.ty), t(s.g), t(s.P.astype(np.float32))
        stop = t(Z['stop'][s.vs].astype(bool)); w = (~stop)[s.R] & (s.R != PAD)
        s.bow_all = w.float(); s.content = ~stop
        novel = np.zeros_like(Rt, bool); Rn = s.NR // s.N
        for j in range(s.NR): novel[j] = ~np.isin(Rt[j], S[j // Rn])
        s.bow_new = s.bow_all * t(novel).float()
        df = np.bincount(Rt[:s.NR][Rt[:s.NR] != PAD], minlength=V); idf = np.log((s.NR + 1) / (df + 1)); idf = t(idf.astype(np.float32))[s.R]; s.bow_all = s.bow_all * idf; s.bow_new = s.bow_new * idf
        s.gain_t = None if name == 'n' else t((s.P @ GAIN).astype(np.float32)); s.gain_g = None if name == 'n' else t(GAIN[s.y].astype(np.float32))
        s.gains = t(GAIN.astype(np.float32))
    def parts(s, f):  # fold 0 is the dev part of the 70/10/20 split; the others rotate dev within what is not test
        w = .1 if s.name == 'n' else .15; top = .8 if s.name == 'n' else 1.; n = int(round(top / w + 1e-9)) if s.name == 'n' else 6; f = f % n
        lo, hi = top - w * (f + 1), top - w * f; d = (s.h >= lo - 1e-12) & (s.h < hi - 1e-12) if f else (s.h >= lo); return np.where(~d)[0], np.where(d)[0]

def base_shapes(d, K, V):
    enc = [('wemb', (V, H)), ('pemb', (200, H)), ('temb', (2, H))]
    for l in range(NL): enc += [(f'{l}.qkv', (3 * H, H)), (f'{l}.o', (H, H)), (f'{l}.f1', (4 * H, H)), (f'{l}.f2', (H, 4 * H))]
    act = active(d); hd = [('cls.w', (K, H * (2 if d['keep'] else 1)))]
    if d['head'] or d['align'] in ('orth', 'pred'): hd += [('ph1', (H, H)), ('ph2', (H, H))]
    if 'ra' in act: hd += [('rh1', (H, H)), ('rh2', (H, H))]
    if 'lrkd' in act: hd += [('side', (H, H))]
    if 'bow' in act: hd += [('bw', (H, H))]
    if 'mlm' in act: hd += [('ml', (H, H))]
    if 'match' in act: hd += [('mt', (2, H))]
    if 'tag' in act: hd += [('tg', (1, H))]
    dec = enc + hd; nod = [('eln.w', (H,)), ('eln.b', (H,))]
    for l in range(NL): nod += [(f'{l}.qkv.b', (3 * H,)), (f'{l}.o.b', (H,)), (f'{l}.f1.b', (4 * H,)), (f'{l}.f2.b', (H,)), (f'{l}.l1.w', (H,)), (f'{l}.l1.b', (H,)), (f'{l}.l2.w', (H,)), (f'{l}.l2.b', (H,))]
    nod += [(n.replace('.w', '') + '.b', (s[0],)) for n, s in hd]
    if 'bow' in act: nod += [('bow.vb', (V,))]
    if 'mlm' in act: nod += [('mlm.vb', (V,))]
    return dec, nod
def base_tensor(W, n):
    e = 'embeddings.'; m = {'wemb': e + 'word_embeddings.weight', 'pemb': e + 'position_embeddings.weight', 'temb': e + 'token_type_embeddings.weight', 'eln.w': e + 'LayerNorm.weight', 'eln.b': e + 'LayerNorm.bias'}
    if n in m: return W[m[n]]
    if not n[0].isdigit(): return None
    l, r = n.split('.', 1); p = f'encoder.layer.{l}.'; k = 'bias' if r.endswith('.b') else 'weight'; r = r.replace('.b', '').replace('.w', '')
    if r == 'qkv': return torch.cat([W[p + f'attention.self.{x}.{k}'] for x in ('query', 'key', 'value')])
    return W[p + {'o': 'attention.output.dense', 'f1': 'intermediate.dense', 'f2': 'output.dense', 'l1': 'attention.output.LayerNorm', 'l2': 'output.LayerNorm'}[r] + '.' + k]

class Emb(torch.autograd.Function):
    @staticmethod
    def forward(c, ids, w): c.save_for_backward(ids); c.sh, c.dt = w.shape, w.dtype; return w[ids]
    @staticmethod
    def backward(c, g): ids, = c.saved_tensors; return None, torch.zeros(c.sh, device=g.device).index_add_(0, ids.reshape(-1), g.reshape(-1, c.sh[1]).float()).to(c.dt)
def encode(p, ids, seg, mask, drop, train, dt):
    B, L = ids.shape; dr = drop if train else 0.
    x = Emb.apply(ids, p['wemb']) + (p['pemb'][:L] + p['temb'][0]) + seg.unsqueeze(-1).to(p['temb'].dtype) * (p['temb'][1] - p['temb'][0])
    x = F.dropout(F.layer_norm(x, (H,), p['eln.w'], p['eln.b'], 1e-12), dr, train)
    bias = torch.zeros(B, 1, 1, L, device=x.device, dtype=x.dtype).masked_fill(~mask[:, None, None], -1e4).expand(B, NH, L, L)
    for l in range(NL):
        q, k, v = F.linear(x, p[f'{l}.qkv'], p[f'{l}.qkv.b']).view(B, L, 3, NH, H // NH).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dr).transpose(1, 2).reshape(B, L, H)
        x = F.layer_norm(x + F.dropout(F.linear(a, p[f'{l}.o'], p[f'{l}.o.b']), dr, train), (H,), p[f'{l}.l1.w'], p[f'{l}.l1.b'], 1e-12)
        f = F.linear(F.gelu(F.linear(x, p[f'{l}.f1'], p[f'{l}.f1.b'])), p[f'{l}.f2'], p[f'{l}.f2.b'])
        x = F.layer_norm(x + F.dropout(f, dr, train), (H,), p[f'{l}.l2.w'], p[f'{l}.l2.b'], 1e-12)
    return x
def lin(p, n, x): return F.linear(x, p[n].float(), p[n.replace('.w', '') + '.b'].float())
def nrm(x): return F.normalize(x, dim=-1, eps=1e-6)

class Slot:
    def __init__(s, ctx, d):
        s.ctx = ctx; s.d = d; s.D = ctx.data(d); s.act = active(d); s.stream = torch.cuda.Stream() if CUDA else None
        if CUDA:
            with torch.cuda.stream(s.stream): s.make(ctx, d)
        else: s.make(ctx, d)
    def make(s, ctx, d):
        D = s.D
        W = s.W = D.W; V = s.V = D.V; s.dec, s.nod = base_shapes(d, D.K, V); s.dtype = torch.bfloat16 if d['dt'] == 'bf16' and CUDA else torch.float32
        s.shapes = s.dec + s.nod; off = 0; s.off = {}
        for n, sh in s.shapes:
            s.off[n] = off; off += math.prod(sh) + (-math.prod(sh)) % 16
            if n == s.dec[-1][0]: s.nd = off
        s.n = off; z = lambda dt=torch.float32: torch.zeros(off, device=DEV, dtype=dt)
        s.master, s.m, s.v, s.g32, s.w16, s.g16 = z(), z(), z(), z(), z(s.dtype), z(s.dtype); s.ema = z() if d['ema'] else None
        s.p = {}
        for n, sh in s.shapes:
            o = s.off[n]; t = s.w16[o:o + math.prod(sh)].view(sh).detach().requires_grad_(); t.grad = s.g16[o:o + math.prod(sh)].view(sh); s.p[n] = t
        B = d['B']; li = lambda v=0: torch.zeros(MAXS, B, dtype=torch.long, device=DEV)
        s.I, s.J, s.JC, s.JR = li(), li(), li(), li(); s.LR = torch.zeros(MAXS, device=DEV); s.WT = torch.zeros(MAXS, len(TERMS), device=DEV)
        s.step = torch.zeros(1, dtype=torch.long, device=DEV); s.ost = [torch.zeros(1, device=DEV).squeeze(), torch.zeros(1, device=DEV).squeeze()]; s.lr = torch.zeros((), device=DEV)
        s.k = {k: torch.ones((), device=DEV) for k in KN}; s.CW = torch.ones(D.K, device=DEV); s.LA = torch.zeros(D.K, device=DEV); s.rm = torch.zeros((), device=DEV); s.RMT = torch.zeros(MAXS, device=DEV)
        s.Yt = D.Y.clone(); s.SOFT = D.PT.clone(); s.GT = torch.zeros(D.N, device=DEV); s.graph = None; s.base = None
    # inputs
    def std(s, i): D, L = s.D, s.d['Ls']; return D.S[i, :L], D.SG[i, :L], torch.arange(L, device=DEV)[None] < D.sl[i][:, None]
    def rea(s, i, j, L=None):
        D = s.D; L = L or s.d['Lr']; pos = torch.arange(L, device=DEV)[None]; lb = D.sl[i][:, None]; lr = D.rl[j][:, None]; k = (pos - lb).clamp(0, D.Lra - 1)
        isr = (pos >= lb) & (pos < lb + lr); ids = torch.where(pos < lb, D.S[i, :L], torch.where(isr, torch.gather(D.R[j], 1, k), D.PAD)); return ids, D.SG[i, :L], pos < lb + lr, isr
    def alone(s, j): D = s.D; ids = torch.cat([torch.full_like(j[:, None], D.CLS), D.R[j]], 1)[:, :D.Lra]; return ids, torch.zeros_like(ids), torch.arange(D.Lra, device=DEV)[None] < (D.rl[j][:, None] + 1)
    def enc(s, x, train): return encode(s.p, x[0], x[1], x[2], s.d['drop'], train, s.dtype)
    def poolf(s, x, mask):
        if s.d['pool'] == 'cls': return x[:, 0].float()
        m = mask.float()[..., None]; return (x.float() * m).sum(1) / m.sum(1)
    def classify(s, h, train):
        if s.d['keep']: h = torch.cat([h, lin(s.p, 'side', h)], -1)
        return lin(s.p, 'cls.w', F.dropout(h, s.d['drop'], train))
    def ce(s, lo, y, soft=None):
        lp = F.log_softmax(lo + s.LA, -1); K = lp.shape[1]; q = (y[:, None] == torch.arange(K, device=DEV)).float() * (1 - s.k['eps']) + s.k['eps'] / K; w = s.CW[y]; return (w * -(q * lp).sum(-1)).sum() / w.sum()
    def softce(s, lo, i): q = s.SOFT[i]; return -(q * F.log_softmax(lo, -1)).sum(-1).mean() + (q * q.clamp_min(1e-9).log()).sum(-1).mean()
    def terms(s, i, j, jc, jr, train=True, info=None):
        d, D, p, act = s.d, s.D, s.p, s.act; B = len(i); y = s.Yt[i]; T = {}; NEED_T = any(a in act for a in ('ce_t', 'align', 'kd', 'kdt', 'match', 'mlm'))
        need_s = any(a in act for a in ('ce_s', 'align', 'kd', 'ra', 'lrkd', 'bow', 'rdrop', 'soft', 'mmse', 'lw', 'tag')); cf = d['cf'] is not None or 'match' in act or 'ce_c' in act
        if need_s:
            X = s.std(i)
            if 'rdrop' in act: X2 = tuple(torch.cat([a, a]) for a in X); xs = s.enc(X2, train); hh = s.poolf(xs, X2[2]); hs, hs2 = hh[:B], hh[B:]; xs = xs[:B]
            else: xs = s.enc(X, train); hs = s.poolf(xs, X[2])
            ls = s.classify(hs, train); s._hs = hs; T['ce_s'] = s.ce(ls, y)
            if 'rdrop' in act:
                l2 = s.classify(hs2, train); T['ce_s'] = (T['ce_s'] + s.ce(l2, y)) / 2; a, b = F.log_softmax(ls, -1), F.log_softmax(l2, -1); T['rdrop'] = ((a.exp() - b.exp()) * (a - b)).sum(-1).mean() / 2
        if NEED_T:
            ids, sg, mk, isr = s.rea(i, j)
            if d['rmask'] is not None:
                pr = torch.rand(B, 1, device=DEV) * s.rm if d['rmask'] == 'u' else s.rm.expand(B, 1); mm = isr & (torch.rand(ids.shape, device=DEV) < pr); tgt = ids; ids = torch.where(mm, D.MASK, ids)
            if cf:
                c = s.rea(i, jc); ii = torch.cat([ids, c[0]]); xx = s.enc((ii, torch.cat([sg, c[1]]), torch.cat([mk, c[2]])), train); ht = s.poolf(xx, torch.cat([mk, c[2]])); ht, hc = ht[:B], ht[B:]
            else: xx = s.enc((ids, sg, mk), train); ht = s.poolf(xx, mk)
            lt = s.classify(ht, train); T['ce_t'] = s.ce(lt, y)
            if 'ce_c' in act: T['ce_c'] = s.ce(s.classify(hc, train), y)   # gold label although the reason argues for another one
            if 'match' in act: T['match'] = (F.cross_entropy(lin(p, 'mt', ht), torch.ones_like(y)) + F.cross_entropy(lin(p, 'mt', hc), torch.zeros_like(y))) / 2
            if 'mlm' in act:
                z = F.gelu(F.linear(xx[:B], p['ml'], p['ml.b'])); z = F.layer_norm(z, (H,)) * .2; lo = F.linear(z, p['wemb'], p['mlm.vb']).float(); e = F.cross_entropy(lo.view(-1, s.V), tgt.reshape(-1), reduction='none').view(B, -1); T['mlm'] = (e * mm).sum() / mm.sum().clamp_min(1)
        if 'align' in act:
            al = d['align']; zs, zt = hs, ht; zc = hc if d['cf'] is not None else None
            if d['det']: zt = zt.detach()
            if zc is not None and (d['cfdet'] or d['det']): zc = zc.detach()
            ph = lambda h: lin(p, 'ph2', F.gelu(lin(p, 'ph1', h)))
            if al == 'orth':  # what the reason adds: reasoned minus its component along the standard view (detached); predicted from the standard view by a head
                u = nrm(hs.detach()); orth = lambda h: h - (h * u).sum(-1, keepdim=True) * u; zt = orth(zt); zc = None if zc is None else orth(zc); zs = ph(zs)
            elif al == 'diff': zt = zt - hs.detach(); zc = None if zc is None else zc - hs.detach(); zs = ph(zs) if d['head'] else zs
            elif al == 'center': mu = zs.mean(0, keepdim=True).detach(); mt = zt.mean(0, keepdim=True).detach(); zs = zs - mu; zt = zt - mt; zc = None if zc is None else zc - mt
            elif al == 'pred': zs = ph(zs)
            elif d['head']: zs, zt = ph(zs), ph(zt); zc = None if zc is None else ph(zc)
            a, b = nrm(zs), nrm(zt)
            if al == 'cos': T['align'] = (1 - (a * b).sum(-1)).mean()
            elif al == 'mse': T['align'] = ((zs - zt) ** 2).mean()
            else:
                S = a @ b.T / s.k['tau']; eye = torch.eye(B, device=DEV, dtype=torch.bool); same = y[:, None] == y[None]
                if d['masklab']: S = S.masked_fill(same & ~eye, -1e4)
                if al == 'sup':  # supervised contrastive across views: all columns of the label are positives
                    f = lambda S, pos: -((F.log_softmax(S, 1) * pos).sum(1) / pos.sum(1)).mean(); T['align'] = f(S, same.float()) if not d['sym'] else (f(S, same.float()) + f(S.T, same.float())) / 2
                elif al == 'supself':  # SupCon over 2B features of both views
                    zz = torch.cat([a, b]); SS = zz @ zz.T / s.k['tau']; e2 = torch.eye(2 * B, device=DEV, dtype=torch.bool); pos = (same.repeat(2, 2) & ~e2).float(); SS = SS.masked_fill(e2, -1e4); T['align'] = -((F.log_softmax(SS, 1) * pos).sum(1) / pos.sum(1).clamp_min(1)).mean()
                else:
                    full_ = S
                    if zc is not None:
                        C = a @ nrm(zc).T / s.k['tau']
                        if d['cf'].startswith('only'): full_ = torch.stack([S.diagonal(), C.diagonal()], 1); T['align'] = -F.log_softmax(full_, 1)[:, 0].mean()
                        else: full_ = torch.cat([S, C], 1)
                    if 'align' not in T:
                        T['align'] = -F.log_softmax(full_, 1).diagonal().mean()
                        if d['sym']: T['align'] = (T['align'] - F.log_softmax(S.T, 1).diagonal().mean()) / 2
                    if info is not None: info['diag'] = (full_.argmax(1) == (0 if full_.shape[1] == 2 and B > 2 else torch.arange(B, device=DEV))).float().mean()
                if info is not None: info['S_diag'] = (a * b).sum(-1).mean(); info['S_off'] = ((a @ b.T) * ~eye).sum() / (B * (B - 1))
        if 'ra' in act or 'ce_r' in act:
            kind = d['ra_kind']
            if kind == 'frozen': r = D.FE[jr]; rc = D.FE[jc]
            else:
                x = s.alone(torch.cat([jr, jc]) if d['ra_hard'] else jr); r = s.poolf(s.enc(x, train), x[2])
                if 'ce_r' in act: T['ce_r'] = s.ce(s.classify(r[:B], train), y)
                if kind == 'det': r = r.detach()
                r, rc = (r[:B], r[B:]) if d['ra_hard'] else (r, None)
            if 'ra' in act:
                hd = lambda n, h: lin(p, n, h); a = nrm(hd('rh1', hs)) if d['ra_head'] else nrm(hs); r2 = (lambda h: nrm(hd('rh2', h))) if d['ra_head'] == 2 else nrm
                C = r2(r); C = torch.cat([C, r2(rc)]) if d['ra_hard'] else C; S = a @ C.T / s.k['ra_tau']; T['ra'] = -F.log_softmax(S, 1).diagonal().mean()
                if info is not None: info['ra_diag'] = (S.argmax(1) == torch.arange(B, device=DEV)).float().mean()
        if 'kd' in act:
            t = s.k['kdT']; a = F.log_softmax(ls / t, -1); b = F.log_softmax(lt / t, -1)
            if d['kdmode'] == 'both': T['kd'] = t * t * ((a.exp() - b.exp()) * (a - b)).sum(-1).mean() / 2
            else: b = b.detach(); T['kd'] = t * t * (b.exp() * (b - a)).sum(-1).mean()
        if 'lrkd' in act:
            sv = lin(p, 'side', hs); fe = D.FE[jr]; T['lrkd'] = (1 - (nrm(sv) * nrm(fe)).sum(-1)).mean() if d['lrkd_kind'] == 'cos' else ((sv - fe * H ** .5) ** 2).mean()
        if 'bow' in act:
            z = (F.layer_norm(F.gelu(lin(p, 'bw', hs)), (H,)) * .2).to(p['wemb'].dtype); lp = F.log_softmax(F.linear(z, p['wemb'], p['bow.vb']).float(), -1); w = (D.bow_new if d['bowc'] == 2 else D.bow_all)[jr]; T['bow'] = -(lp.gather(1, D.R[jr]) * w).sum() / w.sum().clamp_min(1e-6)
        if 'tag' in act:  # which content words of the pair does the reason mention
            R = D.R[jr]; tm = D.content[X[0]] & X[2]; tl = ((X[0][:, :, None] == R[:, None, :]) & tm[:, :, None]).any(-1).float(); e = F.binary_cross_entropy_with_logits(F.linear(xs, p['tg'], p['tg.b']).float().squeeze(-1), tl, reduction='none'); T['tag'] = (e * tm).sum() / tm.sum().clamp_min(1)
            if info is not None: info['tag_rate'] = (tl * tm).sum() / tm.sum()
        if 'soft' in act: T['soft'] = s.softce(ls, i)
        if 'kdt' in act: T['kdt'] = s.softce(lt, i)
        if 'mmse' in act or 'lw' in act:
            sc = F.softmax(ls, -1) @ D.gains; g = s.GT[i]; q = D.G[i]; sm = q[:, None] == q[None]
            if 'mmse' in act: e = (sc[:, None] - sc[None] - g[:, None] + g[None]) ** 2; pr = sm & ~torch.eye(B, device=DEV, dtype=torch.bool); T['mmse'] = (e * pr).sum() / pr.sum().clamp_min(1)
            if 'lw' in act:
                t = s.k['lwT']; f = lambda v: F.log_softmax((v[None] / t).expand(B, B).masked_fill(~sm, -1e4), 1); a, b = f(sc), f(g); T['lw'] = (b.exp() * (b - a)).masked_fill(~sm, 0).sum(1).mean()
        return {k: v for k, v in T.items() if k in act}
    def step_fn(s):
        sel = lambda t: t.index_select(0, s.step).squeeze(0); s.g16.zero_(); s.rm.copy_(sel(s.RMT)); T = s.terms(sel(s.I), sel(s.J), sel(s.JC), sel(s.JR)); w = sel(s.WT)
        loss = sum(v * w[TERMS.index(k)] for k, v in T.items()); loss.backward()
        s.g32.copy_(s.g16); nr = s.g32.norm(); sc = (nr / s.d['clip']).clamp_min(1.); s.lr.copy_(sel(s.LR))
        with torch.no_grad():
            for k, (a, b, wd) in enumerate([(0, s.nd, s.d['wd']), (s.nd, s.n, 0.)]):
                s.ost[k] += 1
                if not CUDA: s.g32[a:b].div_(sc)
                torch._fused_adamw_([s.master[a:b]], [s.g32[a:b]], [s.m[a:b]], [s.v[a:b]], [], [s.ost[k]], lr=s.lr if CUDA else float(s.lr), beta1=.9, beta2=.999, weight_decay=wd, eps=1e-8, amsgrad=False, maximize=False, grad_scale=sc if CUDA else None, found_inf=s.ctx.zero if CUDA else None)
            s.w16.copy_(s.master)
            if s.ema is not None: s.ema.lerp_(s.master, 1 - s.d['ema'])
            s.step += 1
    def reset(s, d):
        D = s.D; gen = torch.Generator().manual_seed(1000 + d['seed'])
        if s.base is None:
            s.base = torch.zeros(s.n, device=DEV)
            for n, sh in s.shapes:
                b = base_tensor(s.W, n)
                if b is not None: s.base[s.off[n]:s.off[n] + math.prod(sh)] = b.reshape(-1).to(DEV)
        s.master.copy_(s.base); g2 = torch.Generator().manual_seed(2000 + d['seed'])
        for n, sh in s.dec:
            if n[0].isdigit() or n in ('wemb', 'pemb', 'temb'): continue
            v = torch.randn(sh, generator=gen if n == 'cls.w' else g2) * .02
            if sh == (H, H): v = v * .1 + torch.eye(H)
            s.master[s.off[n]:s.off[n] + math.prod(sh)].copy_(v.reshape(-1))
        s.w16.copy_(s.master)
        for t in (s.m, s.v, s.g16, s.g32, s.step, *s.ost): t.zero_()
        if s.ema is not None: s.ema.copy_(s.master)
    def fill(s, d):
        D = s.D; rng = np.random.default_rng(d['seed'] * 7 + 5); tr, dv = D.parts(d['fold']); s.tr_all = tr
        if d['half'] is not None: hb = (np.floor(D.h * 1e5).astype(int) % 2) == d['half']; tr = tr[hb[tr]]
        if d['ntrain']: gs = rng.permutation(np.unique(D.g[tr])); o = np.concatenate([tr[D.g[tr] == g] for g in gs[:d['ntrain']]]); tr = o[:d['ntrain']]
        if TINY: tr, dv = tr[:64], dv[:64]
        s.tr, s.dv = tr, dv; B = d['B']; steps = max(1, int(d['ep'] * len(tr) / B)); steps = min(steps, MAXS); s.steps = 3 if TINY else steps
        order = []
        while len(order) < steps * B:
            if d['group']:
                gs = rng.permutation(np.unique(D.g[tr])); by = s.ctx.by(D, d['fold'], tr, d); e = np.concatenate([rng.permutation(by[g]) for g in gs]); e = e[:len(e) // B * B].reshape(-1, B); e = e[rng.permutation(len(e))].reshape(-1)
            else: e = rng.permutation(tr); e = e[:len(e) // B * B]
            order.extend(e.tolist())
        I = np.array(order[:steps * B]).reshape(steps, B); n = D.nr; lab = D.y if d['lab'] == 'gold' else D.ty
        r = rng.integers(0, d['nr'], I.shape); own = I * n + r; r2 = rng.integers(0, d['nr'], I.shape); jr = own
        if d['reason'] == 'own': J = own
        elif d['reason'] == 'label': J = jr = D.NR + lab[I]
        elif d['reason'] == 'shuf':
            pm = np.arange(D.N); cell = D.y * 10 + D.ty
            for c in np.unique(cell[tr]): x = tr[cell[tr] == c]; pm[x] = np.roll(rng.permutation(x), 1) if False else x[rng.permutation(len(x))]
            J = jr = pm[I] * n + r
        # reason of another label: by the label the reason argues for (teacher's)
        rl = D.ty; C = np.zeros_like(I); pools = {k: tr[rl[tr] != k] for k in range(D.K)}; rnd = {k: rng.choice(v, 4096) for k, v in pools.items()}; ctr = 0; gi = s.ctx.by(D, d['fold'], tr, d); want = d['cf'] or ('same' if (d['ra_hard'] or d['match'] or d['ce_c']) else None)
        if want:
            u = rng.random(I.shape)
            cc = s.ctx._cand.setdefault((D.name, d['fold'], d['half'], d['ntrain'], TINY), {})
            for a in range(steps):
                for b in range(B):
                    i = int(I[a, b])
                    if 'same' in want:
                        cand = cc.get(i)
                        if cand is None: x = gi[D.g[i]]; cand = cc[i] = x[rl[x] != rl[i]]
                    else: cand = ()
                    C[a, b] = cand[int(u[a, b] * len(cand))] if len(cand) else rnd[rl[i]][(a * B + b) % 4096]
        JC = C * n + r2
        pad = lambda x: np.concatenate([x, np.zeros((MAXS - len(x), B), x.dtype)]); t = lambda x, o: o.copy_(torch.as_tensor(pad(x)))
        t(I, s.I); t(J, s.J); t(JC, s.JC); t(jr, s.JR)
        st = np.arange(MAXS); wu = max(1, int(d['warm'] * steps)); s.LR.copy_(torch.as_tensor((d['lr'] * np.minimum((st + 1) / wu, np.clip((steps - st) / max(1, steps - wu), 0, 1))).astype(np.float32)))
        WT = np.zeros((MAXS, len(TERMS)), np.float32)
        for k, nme in enumerate(TERMS):
            WT[:, k] = d['lam'] * np.minimum(1, (st + 1) / max(1, d['lamwarm'] * steps)) if nme == 'align' else d[nme]
        ix = TERMS.index; fr = st < d['sf'] * steps
        if d['sched'] == 'rfirst': WT[:, ix('ce_s')] *= ~fr; WT[:, ix('ce_t')] = 1.
        elif d['sched'] == 'rfirst0': WT[:, ix('ce_s')] *= ~fr; WT[:, ix('ce_t')] = fr
        elif d['sched'] == 'ramp': WT[:, ix('ce_t')] = np.clip(1 - st / steps, 0, 1)
        elif d['sched'] == 'kdramp': WT[:, ix('kd')] *= np.clip(st / (d['sf'] * steps), 0, 1); WT[:, ix('ce_t')] = d['ce_t']
        if d['soft']: WT[:, ix('ce_s')] *= 1 - d['soft']
        if d['kdt']: WT[:, ix('ce_t')] *= 1 - d['kdt']
        s.WT.copy_(torch.as_tensor(WT))
        for k in KN: s.k[k].fill_(d[k])
        s.RMT.copy_(torch.as_tensor((np.clip(st / (.9 * steps), 0, 1) if d['rmask'] == 'ramp' else np.full(MAXS, 1. if d['rmask'] in ('u', None) else d['rmask'])).astype(np.float32))); s.rm.copy_(s.RMT[steps // 2])
        pr = np.bincount(lab[tr], minlength=D.K) / len(tr); pr = np.maximum(pr, 1e-4); w = pr ** -d['cw']; w = w / (w * pr).sum(); s.prior = pr
        s.CW.copy_(torch.as_tensor(w.astype(np.float32))); s.LA.copy_(torch.as_tensor((d['la'] * np.log(pr)).astype(np.float32)))
        s.Yt.copy_(D.Y if d['lab'] == 'gold' else D.TY)
        if D.name == 'e': s.GT.copy_({'teacher': D.gain_t, 'gold': D.gain_g, 'mix': (D.gain_t + D.gain_g) / 2}[d['gsrc']])
        if d['softsrc'] == 'teacher': s.SOFT.copy_(D.PT)
        return steps
    def predict(s, idx, view, bs=256):
        # fixed order by length would be faster; this is 4 to 8 batches
        lo, hs = [], []
        for a in range(0, len(idx), bs):
            i = torch.as_tensor(idx[a:a + bs], device=DEV)
            if view == 's': x = s.std(i)
            elif view == 'm':
                D = s.D; pos = torch.arange(s.d['Lr'], device=DEV)[None]; lb = D.sl[i][:, None]; ids = torch.where((pos >= lb) & (pos < lb + 15), D.MASK, D.S[i]); ids = torch.where(pos == lb + 15, D.SEP, ids); x = (ids, D.SG[i], pos < lb + 16)
            else: x = s.rea(i, i * s.D.nr + (view if isinstance(view, int) else 0))[:3]
            h = s.poolf(s.enc(x, False), x[2]); lo.append(s.classify(h, False)); hs.append(h)
        return torch.cat(lo), torch.cat(hs)
    def diag(s, d, tag, nb=2):
        """On 4 batches of dev, train mode: loss terms, diagonal accuracy, norm of each weighted term's gradient (encoder parameters, mean over batches of the batch gradient's norm) and its cosine with the sum of CE terms."""
        out = {}; rng = np.random.default_rng(3); ps = [s.p[n] for n, _ in s.shapes if base_tensor(s.W, n) is not None and n != 'wemb']; D = s.D; B = d['B']
        acc = {}; names = [k for k in s.act]; full_w = {k: (d['lam'] if k == 'align' else d[k]) for k in names}
        for b in range(nb):
            k = int(s.steps * (b + .5) / nb) % s.steps; info = {}
            T = s.terms(s.I[k], s.J[k], s.JC[k], s.JR[k], True, info); G = {}
            for t in names:
                g = torch.autograd.grad(T[t], ps, retain_graph=True, allow_unused=True); G[t] = torch.cat([x.float().reshape(-1) for x in g if x is not None]) * full_w[t] if all(x is not None for x in g) else torch.cat([(x if x is not None else torch.zeros_like(q)).float().reshape(-1) for x, q in zip(g, ps)]) * full_w[t]
            ce = sum(G[t] for t in names if t in ('ce_s', 'soft')) if any(t in ('ce_s', 'soft') for t in names) else None
            for t in names:
                acc.setdefault('L_' + t, []).append(float(T[t].detach())); acc.setdefault('g_' + t, []).append(float(G[t].norm()))
                if ce is not None and t not in ('ce_s', 'soft'): acc.setdefault('cos_' + t, []).append(float(F.cosine_similarity(G[t], ce, dim=0)))
            for k2, v in info.items(): acc.setdefault(k2, []).append(float(v.detach()))
            del T, G
        return {tag: {k: round(float(np.mean(v)), 4) for k, v in acc.items()}}
    def run(s, d):
        """generator: yields while the GPU is busy; the last yield is the result"""
        t0 = time.time()
        D = s.D; s.d = d; act = s.act
        import contextlib
        on = (lambda: torch.cuda.stream(s.stream)) if CUDA else contextlib.nullcontext
        if d['softsrc'].startswith('rt'):
            fs = [f'{SHM}/{d["softsrc"]}_{d["data"]}_{d["seed"]}_{h}.npz' for h in (0, 1)]; tw = time.time()
            while not all(map(os.path.exists, fs)):
                if time.time() - tw > 90: raise RuntimeError('no rt tables')
                yield None
        with on():
            steps = s.fill(d); s.reset(d)
            if d['softsrc'].startswith('rt'):
                P = D.P.copy()
                for f in fs: z = np.load(f); P[z['idx']] = z['p']
                if d['kdT'] != 1: P = P ** (1 / d['kdT']); P /= P.sum(1, keepdims=True)
                s.SOFT.copy_(torch.as_tensor(P.astype(np.float32)))
            dg = {}
            if d['diag']: dg.update(s.diag(d, 'd0'))
            if CUDA and s.graph is None:
                s.step_fn(); s.stream.synchronize(); gc.disable(); g = torch.cuda.CUDAGraph(); g.capture_begin(capture_error_mode='thread_local')
                try: s.step_fn()
                finally: g.capture_end(); gc.enable()
                s.graph = g; s.reset(d)
        tb = time.time(); evs = []; n = s.steps if TINY else steps; mid = n // 2; k = 0
        while k < n:
            with on():
                m = min(16, n - k, *( [mid - k] if d['diag'] and k < mid else [10**6]))
                for _ in range(m): s.graph.replay() if CUDA else s.step_fn()
                k += m
                if CUDA: e = torch.cuda.Event(); e.record(s.stream); evs.append(e)
            if CUDA:
                while len(evs) > 2 and not evs[-3].query(): yield None
                yield None
            if d['diag'] and k == mid:
                with on(): dg.update(s.diag(d, 'd1', 1))
        if CUDA:
            while not evs[-1].query(): yield None
        tt = time.time() - tb
        if d['diag']:
            with on(): dg.update(s.diag(d, 'd2', 1))
        with on(), torch.no_grad():
            if d['ema']: s.w16.copy_(s.ema)
            ls, hs = s.predict(s.dv, 's'); lt, ht = s.predict(s.dv, 't'); cosv = F.cosine_similarity(hs, ht, dim=-1).mean(); lm = s.predict(s.dv, 'm')[0] if d['rmask'] is not None else None
            tl = s.predict(s.tr[:1024], 's')[0] if d['diag'] else None
            if CUDA: e = torch.cuda.Event(); e.record(s.stream)
        if CUDA:
            while not e.query(): yield None
        with on(), torch.no_grad():
            r = dict(cid=d['cid'], cell={k: v for k, v in d.items() if k not in ('fold', 'Ls', 'Lr', 'cid') and (v != DEF[k] or k in ('seed', 'data'))}, steps=n, ntr=len(s.tr), ndv=len(s.dv), secs=round(tt, 2)); lsn = ls.float().cpu().numpy(); y = D.y[s.dv]
            r.update(metrics(lsn, y, D.K)); ltn = lt.float().cpu().numpy(); m2 = metrics(ltn, y, D.K); r['t_acc'], r['t_f1'] = m2['acc'], m2['f1']; r['cosv'] = round(float(cosv), 4); r['maj'] = round(float(np.bincount(y).max() / len(y)), 4)
            if lm is not None: r['m_f1'] = metrics(lm.float().cpu().numpy(), y, D.K)['f1']; r['sm_f1'] = metrics(F.softmax(ls.float(), -1).cpu().numpy() + F.softmax(lm.float(), -1).cpu().numpy(), y, D.K)['f1']
            if D.name == 'e':
                pr = np.log(s.prior); r['f1_pc'] = {str(a): metrics(lsn - a * pr, y, D.K)['f1'] for a in (.25, .5, .75, 1.)}; r['acc_pc'] = {str(a): metrics(lsn - a * pr, y, D.K)['acc'] for a in (.25, .5, .75, 1.)}; sm = np.exp(lsn - lsn.max(1, keepdims=True)); sm /= sm.sum(1, keepdims=True); r.update(ndcg(sm @ GAIN, GAIN[y], D.g[s.dv])); r['t_ndcg'] = ndcg((lambda e: e / e.sum(1, keepdims=True))(np.exp(ltn - ltn.max(1, keepdims=True))) @ GAIN, GAIN[y], D.g[s.dv])['ndcg']; r['agree_t'] = round(float((lsn.argmax(1) == D.ty[s.dv]).mean()), 4)
            if d['diag']: r['tr_acc'] = round(float((tl.argmax(1).cpu().numpy() == D.y[s.tr[:1024]]).mean()), 4); r['diag'] = dg
            if d['name'].startswith('rt'):
                oth = s.tr_all[~np.isin(s.tr_all, s.tr)]; P = np.mean([F.softmax(s.predict(oth, v)[0].float(), -1).cpu().numpy() for v in range(D.nr)], 0); r['oof_acc'] = round(float((P.argmax(1) == D.y[oth]).mean()), 4)
                f = f'{SHM}/{d["name"]}_{d["data"]}_{d["seed"]}_{d["half"]}.npz'; np.savez(f + '.tmp.npz', idx=oth, p=P); os.replace(f + '.tmp.npz', f)
        r['wall'] = round(time.time() - t0, 2); r['t1'] = round(time.time(), 2); yield r

def metrics(lo, y, K):
    p = lo.argmax(1); f = []
    for k in range(K): tp = ((p == k) & (y == k)).sum(); f.append(2 * tp / max(1, (p == k).sum() + (y == k).sum()))
    e = lo - lo.max(1, keepdims=True); nll = float((np.log(np.exp(e).sum(1)) - e[np.arange(len(y)), y]).mean())
    return dict(acc=round(float((p == y).mean()), 5), f1=round(float(np.mean(f)), 5), f1k=[round(float(x), 4) for x in f], nll=round(nll, 4))
def ndcg(s, g, q):
    out, big = [], []
    for k in np.unique(q):
        m = q == k
        if m.sum() < 2 or g[m].max() <= 0: continue
        o = np.argsort(-s[m], kind='stable'); dsc = 1 / np.log2(np.arange(2, m.sum() + 2)); v = (g[m][o] * dsc).sum() / (np.sort(g[m])[::-1] * dsc).sum(); out.append(v)
        if m.sum() >= 10: big.append(v)
    return dict(ndcg=round(float(np.mean(out)), 5), ndcg_big=round(float(np.mean(big)), 5) if big else None, nq=len(out), nqb=len(big))

class Ctx:
    def __init__(s):
        Z = np.load(HERE + '/data.npz'); s.Z = {k: Z[k] for k in Z.files}; W = np.load(HERE + '/w.npz'); s.W = {k: torch.from_numpy(W[k].astype(np.float32)) for k in W.files}; s._d = {}; s._by = {}; s._cand = {}; s.zero = torch.zeros((), device=DEV)
    def data(s, d):
        k = (d['data'], d['Ls'], d['Lr'])
        if k not in s._d: s._d[k] = Data(*k, s.Z, s.W); s.embed(s._d[k]); torch.cuda.synchronize() if CUDA else None
        return s._d[k]
    def by(s, D, fold, tr, d):
        k = (D.name, fold, d['half'], d['ntrain'], len(tr))
        if k not in s._by:
            b = {}
            for i in tr: b.setdefault(D.g[i], []).append(i)
            s._by[k] = {g: np.array(v) for g, v in b.items()}
        return s._by[k]
    @torch.no_grad()
    def embed(s, D):  # frozen embeddings of the reasons: MiniLM as released, mean pooling, unit norm, centred
        dt = torch.bfloat16 if CUDA else torch.float32; p = {}
        names = [n for n, _ in base_shapes(full({}), 3, 1)[0] + base_shapes(full({}), 3, 1)[1]]
        for n in names:
            b = base_tensor(D.W, n)
            if b is not None: p[n] = b.to(DEV, dt)
        out = []; NRt = len(D.R) if not TINY else len(D.R)
        for a in range(0, NRt, 1024):
            j = torch.arange(a, min(a + 1024, NRt), device=DEV)
            if TINY and a > 0: out.append(torch.randn(len(j), H)); continue
            ids = torch.cat([torch.full_like(j[:, None], D.CLS), D.R[j]], 1)[:, :D.Lra]; mk = torch.arange(D.Lra, device=DEV)[None] < (D.rl[j][:, None] + 1)
            x = encode(p, ids, torch.zeros_like(ids), mk, 0., False, dt).float(); m = mk.float()[..., None]; out.append(F.normalize((x * m).sum(1) / m.sum(1), dim=-1))
        E = torch.cat(out); E = E - E[:D.NR].mean(0); D.FE = F.normalize(E, dim=-1)

def worker(w, q, nslots, t_end, out, closed=None):
    try:
        ctx = Ctx(); fo = open(f'{out}/res{w}.jsonl', 'a'); slots = [None] * nslots; work = [None] * nslots; gens = [None] * nslots; cur = [None] * nslots; done = False; spent = {}
        def log(r): fo.write(json.dumps(r) + '\n'); fo.flush()
        while True:
            busy = False
            for k in range(nslots):
                if gens[k] is None:
                    if not work[k]:
                        if time.time() > t_end: continue
                        try: work[k] = list(q.get_nowait())
                        except Exception:
                            try: work[k] = list(q.get(timeout=.02))
                            except Exception: continue
                    if time.time() > t_end: work[k] = []; continue
                    d = full(work[k].pop(0)); cur[k] = d
                    try:
                        if slots[k] is None or key(slots[k].d) != key(d):
                            st = slots[k].stream if slots[k] else None; slots[k] = None; slots[k] = Slot(ctx, d)
                        gens[k] = slots[k].run(d)
                    except Exception: log(dict(cid=d['cid'], cell={a: b for a, b in d.items() if b != DEF[a]}, error=traceback.format_exc()[-900:])); slots[k] = None; gens[k] = None; continue
                busy = True
                try:
                    r = next(gens[k])
                    if r is not None: log(r); gens[k] = None
                    elif time.time() > t_end + 12: gens[k] = None; work[k] = []
                except Exception: log(dict(cid=cur[k]['cid'], cell={a: b for a, b in cur[k].items() if b != DEF[a]}, error=traceback.format_exc()[-900:])); gens[k] = None; slots[k] = None
            if not busy and (time.time() > t_end or (q.empty() and (closed is None or closed.is_set()))): break
            if CUDA: time.sleep(.0002)
    except Exception: print('WORKER', w, traceback.format_exc(), flush=True)

def bundles(cells, n=8):
    """cells in order of importance -> bundles of cells that share a graph, each at the place of its first cell"""
    out, open_ = [], {}
    for c in cells:
        k = key(full(c))
        if k in open_ and len(out[open_[k]]) < n: out[open_[k]].append(c)
        else: open_[k] = len(out); out.append([c])
    return out

if __name__ == '__main__':
    import multiprocessing as mp
    cells = json.load(open(sys.argv[1])); T = float(sys.argv[2]); P = int(sys.argv[3]); S = int(sys.argv[4]); out = os.environ.get('OUT', '/tmp'); t0 = time.time()
    mp.set_start_method('spawn'); q = mp.Queue()
    bs = bundles(cells, int(os.environ.get('BUN', 8)))
    for b in bs: q.put(b)
    print('cells', len(cells), 'bundles', len(bs), flush=True)
    ps = [mp.Process(target=worker, args=(w, q, S, t0 + T, out)) for w in range(P)]; [p.start() for p in ps]
    while any(p.is_alive() for p in ps) and time.time() - t0 < T + 20: time.sleep(.5)
    [p.terminate() for p in ps if p.is_alive()]
    n = e = 0
    for w in range(P):
        try:
            for l in open(f'{out}/res{w}.jsonl'): n += 1; e += '"error"' in l
        except FileNotFoundError: pass
    print(f'done {n} results, {e} errors, {time.time() - t0:.1f} s', flush=True)
    try: q.cancel_join_thread()
    except Exception: pass
    os._exit(0)
