Feature: An employee reads all data of an encounter that originates from their own legal entity

  Background:
    Given a token that does not say its client type
    And episode "O" of patient "P" with managing_organization "my legal entity"
    And encounter "C" of patient "P" with origin_episode "O"

  Scenario Outline: named by the search
    When I ask to read every <type> in patient "P" in encounter "C"
    Then it is permitted by rule_8

    Examples:
      | type |
      | observation |
      | condition |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | allergy_intolerance |
      | immunization |
      | risk_assessment |
      | device |
      | medication_statement |

  Scenario: known of the record
    Given observation "R" of patient "P" with encounter "C"
    When I ask to read observation "R" in patient "P"
    Then it is permitted by rule_8

  Scenario: not an encounter that originates elsewhere
    Given episode "F" of patient "P" with managing_organization "another clinic"
    And encounter "G" of patient "P" with origin_episode "F"
    When I ask to read every observation in patient "P" in encounter "G"
    Then it is refused as no_rule_matched

  Scenario: not a list of all of the patient
    When I ask to read every observation in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what the rule does not list
    When I ask to read every service_request in patient "P" in encounter "C"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    When I ask to <action> observation "R" in patient "P" in encounter "C"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
