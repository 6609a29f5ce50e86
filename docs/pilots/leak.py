# Label from the reason alone (bag of words, logistic regression), e-SNLI train/dev of fold 0 and ESCI; never the test parts.
import numpy as np; from scipy.sparse import csr_matrix; from sklearn.linear_model import LogisticRegression; from sklearn.metrics import f1_score
import sys; Z=np.load(sys.argv[1])  # data.npz of prepare.py
def bow(k,sel=None):
    n=Z[k+'_n']; f=Z[k].astype(int); r=np.repeat(np.arange(len(n)),n); m=csr_matrix((np.ones(len(f)),(r,f)),shape=(len(n),20000)); m.data[:]=1; return m.tocsr()
def go(X,y,tr,dv,t): c=LogisticRegression(C=1,max_iter=400).fit(X[tr],y[tr]); p=c.predict(X[dv]); print(t,'acc %.3f mF1 %.3f'%((p==y[dv]).mean(),f1_score(y[dv],p,average='macro')))
h=Z['n_h']; y=Z['n_y']; R=bow('n_r')[::3]; P=bow('n_q'); I=bow('n_i'); dv=h>=.7; tr=~dv
go(R,y,tr,dv,'e-SNLI reason alone -> label'); go(I,y,tr,dv,'e-SNLI hypothesis alone -> label')
h=Z['e_h']; y=Z['e_y']; ty=Z['e_ty']; R=bow('e_r'); dv=h>=.85; tr=~dv
go(R,y,tr,dv,'ESCI reason alone -> gold'); go(R,ty,tr,dv,'ESCI reason alone -> teacher label'); go(bow('e_i'),y,tr,dv,'ESCI item alone -> gold')
print('teacher on dev fold0: acc %.3f mF1 %.3f'%((y[dv]==ty[dv]).mean(),f1_score(y[dv],ty[dv],average='macro')), 'majority %.3f'%(y[dv]==0).mean())
P=Z['e_p']; print('argmax(P)==label',(P.argmax(1)==ty).mean()); 
for a in (0,.25,.5,.75,1.):
    pr=np.bincount(y[tr])/tr.sum(); tp=P.mean(0); q=(P+1e-3)*(pr/tp)**a; print('teacher reweighted to the gold prior',a,'acc %.3f mF1 %.3f'%((q.argmax(1)[dv]==y[dv]).mean(),f1_score(y[dv],q.argmax(1)[dv],average='macro')))
