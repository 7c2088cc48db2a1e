"""zwhub (证照枢纽): the GraphQL data hub behind a city's e-licence repository.

Where things are. A verb is a file, and file, function and GraphQL field share a name:

| you look for          | it is in                      |                                            |
|-----------------------|-------------------------------|--------------------------------------------|
| 归集 collect          | `licences/collect.py`         | signed records taken in, or quarantined    |
| 归集文件 deliveries    | `licences/deliveries/`        | vouched for as a whole: `batch.py`         |
| 核验 verify           | `licences/verify.py`          | one licence; the rules: `policy.py`        |
| 批量核验              | `licences/verify_many.py`     | up to 1,000 under one receipt              |
| 文件核验              | `licences/verify_file.py`     | JWS, PDF, OFD and their seals: `files/`    |
| 上传 upload           | `licences/create_upload.py`   | `upload.py`; the PUT: `gateway/uploads.py` |
| 状态变更              | `licences/change_status.py`   | suspended, revoked …; order: `status.py`   |
| 查询 look up          | `licences/look_up.py`         | one's own, or traced                       |
| 数据体 signed body    | `licences/body.py`            | `docs/licence-format.md`                   |
| 信任列表 trust list   | `licences/trust.py`           | `keys/`, `kernel/crypto/`                  |
| 密库 vault            | `licences/vault.py`           | found by digests, read by keys             |
| 批量入库 load         | `licences/load.py`            | judged on all cores: `intake.py`           |
| 延续 succession       | `licences/succession.py`      | what a new licence may replace             |
| 停用 retire a key     | `licences/retire_key.py`      | in other hands: `compromise_key.py`        |
| 签发授权 authorise    | `licences/authorise_key.py`   | which types, from when to when             |
| 密钥 secrets          | `cli/secrets.py`              | turned over: `reseal.py`; `marks.py`       |
| 回执 receipt          | `kernel/crypto/receipts.py`   | checked offline: `zwhub receipt verify`    |
| 状态列表 status list  | `licences/status_list.py`     | `gateway/status_lists.py`, `zwhub status`  |
| 台账 ledger           | `licences/ledger.py`          | a trace with its place; checked: `audit.py` |
| 调阅记录 access log   | `licences/api/access_log.py`  | who looked at my licences, with proofs     |
| 免提交 what is saved  | `supermarket/plan.py`         | the least disclosure: `solve.py`           |
| 事项 items            | `items/`                      | versions and materials; search: `store.py` |
| 业务事项 matters      | `directory/`                  | statistics, consistency, working days      |
| 数据替换清单          | `profile/placeholders.py`     | what is still sample data                  |
| 示例市 sample city    | `profile/sample/`             | copy it, replace it: `zwhub profile`       |
| 生成证照 generate     | `profile/generate.py`         | by the million, really signed              |
| 权限 permission       | `graph/access.py`             | denied by default; proof: `schema.py`      |
| 入口 front door       | `gateway/http.py`             | limits: `analysis.py`, `limits.py`         |
| 身份 who calls        | `gateway/identity.py`         | tokens for systems: `oauth.py`             |
| 嵌入式服务器          | `platform/embedded/`          | PostgreSQL and Valkey that end with us     |
| 国密 SM2              | `kernel/crypto/sm2.py`        | libcrypto where it proves itself           |

Words: 证照 licence · 持证主体 holder · 颁发机构 issuer · 证照编号 number · 证照标识 identifier ·
证照类型 licence type · 照面信息 surface · 签章 seal, signature · 有效期 validity · 暂扣 suspended ·
撤销 revoked · 注销 cancelled · 吊销 revoked as a penalty · 失效 lapsed · 事项 item · 材料 material ·
必要性 necessity · 容缺后补 deferrable · 办件 case · 业务事项 business matter · 实施主体 implementing
body · 机构 organisation · 行政区划 region · 层级 level · 群众端 the public's side · 部门系统 department
system · 承诺时限 promised limit · 法定时限 statutory limit · 工作日 working day · 好差评 evaluation.
"""
